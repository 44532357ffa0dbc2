//! Changes of an honest file: an input says which, and where. So a file of any size begins from few bytes, and
//! what is not changed stays honest.

use arbitrary::{Result, Unstructured};
use zkml_core_fuzz::{
    bytes::{MODULI, add},
    dice::Dice,
    seeds,
};

/// Changes of one file at most.
const MOST: usize = 6;

/// Writes scripts to begin with: any bytes are one.
pub fn begin() {
    let mut dice = Dice::new(1);
    for i in 0..256 {
        let length = 8 + dice.below(120);
        let script: Vec<u8> = (0..length).map(|_| dice.any() as u8).collect();
        seeds::write(&format!("script-{i}"), &script);
    }
}

/// `bytes` after the changes that the script says; parts may come from `others`, files of the same kind. Words
/// begin at `from` and every 32 bytes after it.
///
/// # Errors
/// Never for a script that ended: what it does not say is not changed.
pub fn apply(
    bytes: &mut Vec<u8>,
    from: usize,
    others: &[&[u8]],
    script: &mut Unstructured,
) -> Result<()> {
    for _ in 0..MOST {
        if script.is_empty() || !script.ratio(3, 4)? {
            break;
        }
        change(bytes, from, others, script)?;
    }
    Ok(())
}

fn change(
    bytes: &mut Vec<u8>,
    from: usize,
    others: &[&[u8]],
    script: &mut Unstructured,
) -> Result<()> {
    let width = *script.choose(&[1, 4, 8, 32, 32, 32, 64])?;
    let (a, b) = (place(bytes, from, width, script)?, place(bytes, from, width, script)?);
    let kind = script.int_in_range(0..=12)?;
    let (Some(a), Some(b)) = (a, b) else {
        bytes.extend(vec![0; width]);
        return Ok(());
    };
    match kind {
        0 => bytes[a..a + width].fill(0),
        1 => bytes[a..a + width].fill(0xff),
        2 => bytes.copy_within(b..b + width, a),
        3 => {
            let word = bytes[a..a + width].to_vec();
            bytes.copy_within(b..b + width, a);
            bytes[b..b + width].copy_from_slice(&word);
        }
        4 => drop(bytes.drain(a..a + width)),
        5 => {
            let word = bytes[b..b + width].to_vec();
            drop(bytes.splice(a..a, word));
        }
        6 => bytes[a] ^= 1 << script.int_in_range(0..=7)?,
        7 => {
            let number = i64::from(script.arbitrary::<i32>()?).to_be_bytes();
            let width = width.min(8);
            bytes[a..a + width].copy_from_slice(&number[8 - width..]);
        }
        8 => {
            let any: [u8; 64] = script.arbitrary()?;
            bytes[a..a + width].copy_from_slice(&any[..width]);
        }
        9 => {
            let number = *script.choose(&[MODULI[0], MODULI[1], ONE, [0xff; 32]])?;
            add(&mut bytes[a..a + width], &number, false);
        }
        10 => bytes.truncate(a),
        11 => bytes.extend(vec![script.arbitrary::<u8>()?; width]),
        _ => {
            // The same place of another file, from here or to here.
            let Some(other) = script.choose(others).ok() else { return Ok(()) };
            let end = if script.arbitrary()? { a + width } else { bytes.len() };
            let end = end.min(other.len());
            if a < end {
                bytes[a..end].copy_from_slice(&other[a..end]);
            }
        }
    }
    Ok(())
}

const ONE: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};

/// Where something of a width stands; mostly a word, sometimes any byte.
fn place(
    bytes: &[u8],
    from: usize,
    width: usize,
    script: &mut Unstructured,
) -> Result<Option<usize>> {
    let step = if script.ratio(1, 8)? { 1 } else { width.min(32) };
    let from = from % step;
    let Some(last) = bytes.len().checked_sub(from + width) else { return Ok(None) };
    // The head of a file is as likely as its body.
    let last = if script.ratio(1, 3)? { last.min(8 * 32) } else { last };
    Ok(Some(from + script.int_in_range(0..=last / step)? * step))
}
