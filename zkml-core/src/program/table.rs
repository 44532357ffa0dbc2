//! Tables of activations: `y = round half up(f((x + offset) * 2^-from) * 2^to)` for every `x` of a
//! domain.

use super::{Program, Scale, Table};
use crate::ir::Activation;
use std::ops::RangeInclusive;

/// An activation that does not fit a table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{function} of {argument} is {value}, which does not fit {bits} bits at scale 2^-{scale}")]
pub struct TableError {
    /// Name of the function.
    pub function: &'static str,
    /// Real argument.
    pub argument: f64,
    /// Real value there.
    pub value: f64,
    /// Fractional bits of the values.
    pub scale: i32,
    /// Width of a value, sign included.
    pub bits: u32,
}

impl Table {
    /// The table of `f` over a domain inside 16 signed bits: of `x + offset` at scale `from`, values
    /// of 32 bits at scale `to`.
    ///
    /// # Errors
    /// [`TableError`] when some value does not fit 32 signed bits (or is not a number).
    pub fn of(
        f: &Activation,
        domain: RangeInclusive<i32>,
        offset: i64,
        from: Scale,
        to: Scale,
    ) -> Result<Self, TableError> {
        Self::of_width(f, domain, offset, (from, to), i32::BITS)
    }

    /// [`Self::of`] with values of 16 bits, as a public output needs.
    ///
    /// # Errors
    /// [`TableError`] when some value does not fit 16 signed bits (or is not a number).
    pub fn narrow(
        f: &Activation,
        domain: RangeInclusive<i32>,
        offset: i64,
        from: Scale,
        to: Scale,
    ) -> Result<Self, TableError> {
        Self::of_width(f, domain, offset, (from, to), i16::BITS)
    }

    /// The table of a function of integers.
    pub fn tabulate(
        name: impl Into<String>,
        domain: RangeInclusive<i32>,
        f: impl FnMut(i32) -> i32,
    ) -> Self {
        Self { name: name.into(), first: *domain.start(), values: domain.map(f).collect() }
    }

    fn of_width(
        f: &Activation,
        domain: RangeInclusive<i32>,
        offset: i64,
        (from, to): (Scale, Scale),
        bits: u32,
    ) -> Result<Self, TableError> {
        let bound = Program::MAX_SCALE;
        let (from, to) = (from.0.clamp(-bound, bound), to.0.clamp(-bound, bound));
        let limit = libm::ldexp(1.0, bits as i32 - 1);
        let value = |x: i32| {
            let argument = libm::ldexp(i64::from(x).saturating_add(offset) as f64, -from);
            let value = f.eval(argument);
            let rounded = libm::floor(libm::ldexp(value, to) + 0.5);
            if (-limit..limit).contains(&rounded) {
                // At most 32 bits.
                Ok(rounded as i32)
            } else {
                let function = f.name();
                Err(TableError { function, argument, value, scale: to, bits })
            }
        };
        let first = *domain.start();
        let values = domain.map(value).collect::<Result<_, _>>()?;
        Ok(Self { name: name(f, offset, (from, to)), first, values })
    }
}

/// "Relu", "Gelu 2^-7 -> 2^-8", "Gelu (x+9) 2^-7 -> 2^-8".
fn name(f: &Activation, offset: i64, (from, to): (i32, i32)) -> String {
    let label = f.to_string();
    // f(t x) = t f(x) for t > 0: one table serves every scale.
    let homogeneous = matches!(f, Activation::Relu | Activation::LeakyRelu { .. });
    match offset {
        0 if homogeneous && from == to => label,
        0 => format!("{label} 2^{} -> 2^{}", -from, -to),
        _ => format!("{label} (x{offset:+}) 2^{} -> 2^{}", -from, -to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Bits;

    const ALL: [Activation; 13] = [
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.01 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu { tanh: false },
        Activation::Gelu { tanh: true },
        Activation::Erf,
        Activation::Elu { alpha: 1.5 },
        Activation::Softplus,
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::HardSwish,
        Activation::Clip { min: 0.0, max: 6.0 },
        Activation::Clip { min: f32::NEG_INFINITY, max: f32::INFINITY },
    ];

    #[test]
    fn every_entry_is_the_nearest_value() {
        let scales = [(6, 7), (4, 4), (9, 5)];
        let domains = [(-512..=511, 0), (-512..=511, 37), (3..=3, 0), (-20..=300, -150)];
        for (f, (from, to)) in ALL.iter().flat_map(|f| scales.map(|s| (f, s))) {
            for (domain, offset) in domains.clone() {
                let table = Table::of(f, domain.clone(), offset, Scale(from), Scale(to));
                let table = table.expect("fits");
                assert_eq!(table.values.len(), domain.clone().count());
                for x in domain.clone().map(i64::from) {
                    let argument = (x + offset) as f64 / f64::from(1 << from);
                    let exact = f.eval(argument) * f64::from(1 << to);
                    let got = table.get(x).expect("in the domain") as f64;
                    // Half up: got - 1/2 <= exact < got + 1/2.
                    assert!(got - 0.5 <= exact && exact < got + 0.5, "{f:?}({x}): {got}, {exact}");
                }
                assert_eq!(table.get(i64::from(*domain.end()) + 1), None);
                assert_eq!(table.get(i64::from(*domain.start()) - 1), None);
                assert!(table.get(i64::MIN).is_none() && table.get(i64::MAX).is_none());
            }
        }
    }

    #[test]
    fn values_beyond_their_width_are_refused() {
        let relu = |bits: u8, to| {
            let domain = Bits::new(bits).expect("a width").range();
            let wide = Table::of(&Activation::Relu, domain.clone(), 0, Scale(0), Scale(to));
            (Table::narrow(&Activation::Relu, domain, 0, Scale(0), Scale(to)), wide)
        };
        let (narrow, wide) = relu(12, 5);
        let error = narrow.expect_err("65504");
        assert_eq!((error.function, error.bits), ("Relu", 16));
        assert_eq!(wide.expect("17 bits").extremes(), (0, 2047 << 5));
        assert!(relu(12, 4).0.is_ok());
        // 32767 * 2^16 is less than 2^31, twice of it is not.
        assert_eq!(relu(16, 16).1.expect("32 bits").extremes(), (0, 32767 << 16));
        let error = relu(16, 17).1.expect_err("33 bits");
        assert_eq!((error.bits, error.argument), (32, 16384.0));
        let clip = Activation::Clip { min: f32::NAN, max: 1.0 };
        assert!(Table::of(&clip, -8..=7, 0, Scale(i32::MIN), Scale(i32::MAX)).is_err());
    }

    #[test]
    fn homogeneous_tables_are_equal_at_all_scales() {
        let at = |offset, s| {
            Table::of(&Activation::Relu, -256..=255, offset, Scale(s), Scale(s)).expect("fits")
        };
        assert_eq!(at(0, 3), at(0, 8));
        assert_eq!(at(0, 3).name, "Relu");
        assert_ne!(at(1, 3), at(0, 3));
        assert_eq!(at(-1, 3).name, "Relu (x-1) 2^-3 -> 2^-3");
    }

    #[test]
    fn a_table_of_integers_knows_its_domain_and_extremes() {
        let squares = Table::tabulate("Square", -32768..=32767, |x| x * x);
        assert_eq!(squares.extremes(), (0, 1 << 30));
        assert_eq!(squares.domain(), -32768..=32767);
        assert_eq!(squares.get(-32768), Some(1 << 30));
        assert!(!squares.fits(Bits::WIDEST));
        assert!(Table::tabulate("Copy", -7..=9, |x| x).fits(Bits::new(5).expect("a width")));
        assert!(!Table::tabulate("Copy", -7..=9, |x| x).fits(Bits::new(4).expect("a width")));
    }
}
