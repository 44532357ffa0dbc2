use halo2curves::bn256::Fr;
use proptest::prelude::*;

use super::super::scalars::parts;
use super::*;
use crate::proving::Scalars;

/// Digits as the kernels make them, and what is left.
fn digits(magnitude: u64, windows: Windows) -> (Vec<i64>, u64) {
    let (width, half) = (windows.width, 1i64 << (windows.width - 1));
    let mut carry = 0;
    let digits = (0..windows.count)
        .map(|w| {
            let bits = magnitude.checked_shr(w * width).unwrap_or(0) & ((1 << width) - 1);
            let digit = bits as i64 + carry;
            carry = i64::from(digit > half);
            digit - (carry << width)
        })
        .collect();
    let above = magnitude.checked_shr(windows.count * width).unwrap_or(0);
    (digits, above + carry as u64)
}

proptest! {
    #[test]
    fn windows_hold_all_smaller_integers(magnitude in 1u64..=1 << 62, shift in 0u32..62, other in any::<u64>(), width in 1u32..=18) {
        let magnitude = (magnitude >> shift).max(1);
        let windows = Windows::of_integers(magnitude, width);
        for value in [magnitude, other % (magnitude + 1)] {
            let (digits, left) = digits(value, windows);
            prop_assert_eq!(left, 0);
            let sum: i128 =
                digits.iter().rev().fold(0, |sum, digit| (sum << width) + i128::from(*digit));
            prop_assert_eq!(sum, i128::from(value));
        }
        // One window less would not do.
        let fewer = Windows { count: windows.count - 1, ..windows };
        prop_assert_ne!(self::digits(magnitude, fewer).1, 0);
    }
}

#[test]
fn widths_of_typical_columns() {
    let best = |magnitude: i64, rows: usize| {
        let mut values = vec![0; rows];
        values[0] = magnitude;
        let columns = [Scalars::Small { values: &values, tail: &[] }];
        let windows = Windows::best(&parts(&columns).unwrap()[0]);
        (windows.width, windows.count)
    };
    assert_eq!(best(1, 1 << 16), (1, 1));
    assert_eq!(best(-128, 1 << 16), (8, 1));
    assert_eq!(best(-32768, 1 << 20), (16, 1));
    assert_eq!(best(32767, 1 << 20), (16, 1));
    let scalars = vec![Fr::from(5); 1 << 16];
    let windows = Windows::best(&parts(&[Scalars::Full(&scalars)]).unwrap()[0]);
    assert_eq!((windows.width, windows.count), (13, 20));
}

#[test]
fn counters_leave_few_rows_to_each() {
    for rows in [1, 2, 31, 1000, 1 << 20, (1 << 24) - 1] {
        for width in 1..=MAX_WIDTH {
            let windows = Windows { width, count: 1 };
            let shape = Shape { kind: Kind::I16, windows, rows, columns: 1 };
            let counters = shape.buckets() << shape.stripes();
            assert!(u64::from(rows).div_ceil(1 << shape.stripes()) <= shape.buckets());
            assert!(counters < (2 * u64::from(rows)).max(shape.buckets() + 1));
        }
    }
}

#[test]
fn batches_cover_every_row_of_every_part_once() {
    let field = vec![Fr::from(3); 5000];
    let small: Vec<i64> = (0..3000).map(|row| row % 100 + 1).collect();
    let wide: Vec<i64> = small.iter().map(|value| value << 20).collect();
    let columns = [
        Scalars::Full(&field),
        Scalars::Small { values: &small, tail: &field[..2000] },
        Scalars::Full(&field[..700]),
        Scalars::Small { values: &wide[..1], tail: &[] },
        Scalars::Small { values: &small[..2999], tail: &field[..1] },
        Scalars::Small { values: &wide, tail: &[] },
    ];
    let parts = parts(&columns).unwrap();
    let mut counts = Vec::new();
    for budget in [u64::MAX, 5 << 19, 17 << 17] {
        let batches = batches(&parts, budget, 2, None).unwrap();
        counts.push(batches.len());
        let mut covered: Vec<Vec<bool>> =
            parts.iter().map(|part| vec![false; part.len()]).collect();
        for batch in &batches {
            assert!(batch.shape.bytes(2).unwrap() <= budget);
            assert_eq!(batch.shape.columns as usize, batch.parts.len());
            for part in &batch.parts {
                assert_eq!(part.first + batch.from, batch.first_base());
                assert_eq!(part.kind(), batch.shape.kind);
                let index = parts.iter().position(|other| std::ptr::eq(other, *part)).unwrap();
                let to = part.len().min(batch.from + batch.shape.rows as usize);
                for row in &mut covered[index][batch.from..to] {
                    assert!(!std::mem::replace(row, true));
                }
            }
        }
        assert!(covered.iter().flatten().all(|row| *row));
    }
    assert!(counts[0] < counts[1] && counts[1] < counts[2], "{counts:?}");
    assert_eq!(batches(&parts, 1000, 2, None).unwrap_err(), DeviceFault::OutOfMemory);
}

#[test]
fn positions_stay_below_32_bits() {
    let windows = Windows { width: 13, count: 20 };
    let shape = |rows, columns| Shape { kind: Kind::Field, windows, rows, columns };
    assert!(shape(1 << 24, 1).bytes(132).is_some());
    assert!(shape(1 << 24, 8).bytes(132).is_none());
    assert!(shape(1 << 28, 1).bytes(132).is_none());
    assert!(shape(u32::MAX, u32::MAX).bytes(132).is_none());
}
