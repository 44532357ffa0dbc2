//! Expressions of one argument: element-wise chains that one table evaluates.

use std::fmt;

use super::Activation;

/// An expression of one argument, of at most [`Pointwise::MAX_SIZE`] operations and leaves
/// (`Graph::push` checks).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Pointwise {
    /// The argument.
    Argument,
    /// A constant, finite.
    Constant(f32),
    /// The sum of two.
    Sum(Box<Pointwise>, Box<Pointwise>),
    /// The difference of two.
    Difference(Box<Pointwise>, Box<Pointwise>),
    /// The product of two.
    Product(Box<Pointwise>, Box<Pointwise>),
    /// A function of an expression.
    Apply(Activation, Box<Pointwise>),
}

impl Pointwise {
    /// Most operations and leaves, those of expressions within counted.
    pub const MAX_SIZE: usize = 256;

    /// Number of operations and leaves, those of expressions within counted.
    pub fn size(&self) -> usize {
        match self {
            Self::Argument | Self::Constant(_) => 1,
            Self::Sum(a, b) | Self::Difference(a, b) | Self::Product(a, b) => {
                a.size().saturating_add(b.size()).saturating_add(1)
            }
            Self::Apply(f, a) => {
                let own = if let Activation::Pointwise(inner) = f { inner.size() } else { 1 };
                a.size().saturating_add(own)
            }
        }
    }

    /// Whether the size is within bounds and every constant is finite.
    pub fn check(&self) -> bool {
        self.size() <= Self::MAX_SIZE && self.is_finite()
    }

    /// Whether every value is a whole number, if `argument` says so of every argument.
    pub(super) fn is_whole(&self, argument: bool) -> bool {
        match self {
            Self::Argument => argument,
            Self::Constant(value) => value.fract() == 0.0,
            Self::Sum(a, b) | Self::Difference(a, b) | Self::Product(a, b) => {
                a.is_whole(argument) && b.is_whole(argument)
            }
            Self::Apply(f, a) => f.is_whole(a.is_whole(argument)),
        }
    }

    fn is_finite(&self) -> bool {
        match self {
            Self::Argument => true,
            Self::Constant(value) => value.is_finite(),
            Self::Sum(a, b) | Self::Difference(a, b) | Self::Product(a, b) => {
                a.is_finite() && b.is_finite()
            }
            Self::Apply(Activation::Pointwise(inner), a) => inner.is_finite() && a.is_finite(),
            Self::Apply(_, a) => a.is_finite(),
        }
    }
}

/// `x`, `2`, `(a + b)`, `(a - b)`, `(a * b)`, `Tanh[a]`.
impl fmt::Display for Pointwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("x"),
            Self::Constant(value) => write!(f, "{value}"),
            Self::Sum(a, b) => write!(f, "({a} + {b})"),
            Self::Difference(a, b) => write!(f, "({a} - {b})"),
            Self::Product(a, b) => write!(f, "({a} * {b})"),
            Self::Apply(function, a) => write!(f, "{function}[{a}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn sizes_count_expressions_within() {
        let twice = |a: Pointwise| Pointwise::Sum(Box::new(a.clone()), Box::new(a));
        let mut e = Pointwise::Argument;
        for _ in 0..3 {
            e = twice(e);
        }
        assert_eq!(e.size(), 15);
        let wrapped = Activation::Pointwise(Arc::new(e));
        let outer = Pointwise::Apply(wrapped, Box::new(Pointwise::Constant(0.5)));
        assert_eq!(outer.size(), 16);
        assert!(outer.check());
        assert!(!twice(Pointwise::Constant(f32::NAN)).check());
        let mut large = Pointwise::Argument;
        for _ in 0..8 {
            large = twice(large);
        }
        assert!(!large.check());
    }

    #[test]
    fn expressions_are_written_out() {
        let power = Activation::Pow { exponent: 3.0 };
        let cube = Pointwise::Apply(power, Box::new(Pointwise::Argument));
        let e = Pointwise::Product(Box::new(Pointwise::Constant(0.5)), Box::new(cube));
        assert_eq!(e.to_string(), "(0.5 * Pow(3)[x])");
        assert_eq!(Activation::Pointwise(Arc::new(e)).to_string(), "Pointwise((0.5 * Pow(3)[x]))");
    }
}
