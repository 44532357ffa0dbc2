//! Tables of activations: `y = round half up(f(x * 2^-from) * 2^to)` for every `x` of a range.

use super::{Bits, Program, Scale, Table};
use crate::ir::Activation;

/// An activation that does not fit a table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{function} of {argument} is {value}, which does not fit 16 bits at scale 2^-{scale}")]
pub struct TableError {
    /// Name of the function.
    pub function: &'static str,
    /// Real argument.
    pub argument: f64,
    /// Real value there.
    pub value: f64,
    /// Fractional bits of the values.
    pub scale: i32,
}

impl Table {
    /// The table of `f` for arguments of `bits` bits at scale `from`, values at scale `to`.
    ///
    /// # Errors
    /// [`TableError`] when some value does not fit 16 signed bits (or is not a number).
    pub fn of(f: &Activation, bits: Bits, from: Scale, to: Scale) -> Result<Self, TableError> {
        let bound = Program::MAX_SCALE;
        let (from, to) = (from.0.clamp(-bound, bound), to.0.clamp(-bound, bound));
        let value = |x: i64| {
            let argument = libm::ldexp(x as f64, -from);
            let value = f.eval(argument);
            let rounded = libm::floor(libm::ldexp(value, to) + 0.5);
            if (f64::from(i16::MIN)..=f64::from(i16::MAX)).contains(&rounded) {
                Ok(rounded as i32)
            } else {
                Err(TableError { function: f.name(), argument, value, scale: to })
            }
        };
        let values = (bits.min()..=bits.max()).map(value).collect::<Result<_, _>>()?;
        Ok(Self { name: name(f, from, to), bits, values })
    }
}

/// "Relu", "Gelu 2^-7 -> 2^-8".
fn name(f: &Activation, from: i32, to: i32) -> String {
    let label = match *f {
        Activation::LeakyRelu { alpha } => format!("LeakyRelu({alpha})"),
        Activation::Elu { alpha } => format!("Elu({alpha})"),
        Activation::HardSigmoid { alpha, beta } => format!("HardSigmoid({alpha}, {beta})"),
        Activation::Clip { min, max } => format!("Clip({min}, {max})"),
        Activation::Gelu { tanh: true } => "Gelu(tanh)".into(),
        _ => f.name().into(),
    };
    // f(t x) = t f(x) for t > 0: one table serves every scale.
    let homogeneous = matches!(f, Activation::Relu | Activation::LeakyRelu { .. });
    if homogeneous && from == to { label } else { format!("{label} 2^{} -> 2^{}", -from, -to) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let bits = Bits::new(10).expect("a width");
        for (f, (from, to)) in ALL.iter().flat_map(|f| [(6, 7), (4, 4), (9, 5)].map(|s| (f, s))) {
            let table = Table::of(f, bits, Scale(from), Scale(to)).expect("fits");
            assert_eq!(table.values.len(), 1024);
            for x in -512i64..512 {
                let exact = f.eval(x as f64 / f64::from(1 << from)) * f64::from(1 << to);
                let got = table.get(x).expect("in the domain") as f64;
                // Half up: got - 1/2 <= exact < got + 1/2.
                assert!(got - 0.5 <= exact && exact < got + 0.5, "{f:?}({x}): {got} for {exact}");
            }
            assert_eq!(table.get(512), None);
            assert_eq!(table.get(-513), None);
        }
    }

    #[test]
    fn values_beyond_16_bits_are_refused() {
        let bits = Bits::new(12).expect("a width");
        let error = Table::of(&Activation::Relu, bits, Scale(0), Scale(5)).expect_err("65504");
        assert_eq!(error.function, "Relu");
        assert!(Table::of(&Activation::Relu, bits, Scale(0), Scale(4)).is_ok());
        let clip = Activation::Clip { min: f32::NAN, max: 1.0 };
        assert!(Table::of(&clip, bits, Scale(i32::MIN), Scale(i32::MAX)).is_err());
    }

    #[test]
    fn homogeneous_tables_are_equal_at_all_scales() {
        let bits = Bits::new(9).expect("a width");
        let at = |s| Table::of(&Activation::Relu, bits, Scale(s), Scale(s)).expect("fits");
        assert_eq!(at(3), at(8));
    }
}
