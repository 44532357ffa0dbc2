//! Powers under their own names, which have tables of their own:
//!
//! ```text
//! x * x, x^2                  ->  Square(x)
//! x^1                         ->  x
//! x^(1/2)                     ->  Sqrt(x)
//! x^-1                        ->  Reciprocal(x)
//! x^(-1/2)                    ->  Rsqrt(x)
//! Reciprocal(Sqrt(x))         ->  Rsqrt(x)       also Sqrt(Reciprocal(x))
//! ```
//!
//! Where one side is no finite number, neither is the other, but for `Reciprocal` of an infinite
//! root, which no value of a run is.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Activation, Graph, GraphError, Node, Op, ValueId};

/// `graph` with powers under their own names.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn name_powers(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some((f, x)) = named(matcher, node) else { return Ok(None) };
        let x = rewrite.operand(node, x)?;
        match f {
            Some(f) => rewrite.push(node, Op::Activation(f), vec![x]).map(Some),
            None => Ok(Some(x)),
        }
    })
}

/// The function that `node` is of a value, or none for the value itself.
fn named(matcher: &Matcher<'_>, node: &Node) -> Option<(Option<Activation>, ValueId)> {
    match (&node.op, node.inputs.as_slice()) {
        (Op::Mul, [a, b]) if a == b => Some((Some(Activation::Square), *a)),
        (Op::Activation(Activation::Pow { exponent: 1.0 }), [x]) => Some((None, *x)),
        (Op::Activation(f), [y]) => {
            if let Some(x) = root_before(matcher, f, *y) {
                return Some((Some(Activation::Rsqrt), x));
            }
            let name = name_of(f).filter(|name| name != f)?;
            Some((Some(name), *y))
        }
        _ => None,
    }
}

/// The operand of a root whose reciprocal `f` of `y` is, or of a reciprocal whose root it is.
fn root_before(matcher: &Matcher<'_>, f: &Activation, y: ValueId) -> Option<ValueId> {
    use Activation::{Reciprocal, Sqrt};
    let before = matcher.producer(y)?;
    let (Op::Activation(g), [x]) = (&before.op, before.inputs.as_slice()) else { return None };
    let (f, g) = (name_of(f), name_of(g));
    let both = |a: &Activation, b: &Activation| f.as_ref() == Some(a) && g.as_ref() == Some(b);
    (both(&Reciprocal, &Sqrt) || both(&Sqrt, &Reciprocal)).then_some(*x)
}

/// The function by its own name, if it is or has one.
fn name_of(f: &Activation) -> Option<Activation> {
    match f {
        Activation::Pow { exponent } => match *exponent {
            2.0 => Some(Activation::Square),
            0.5 => Some(Activation::Sqrt),
            -0.5 => Some(Activation::Rsqrt),
            -1.0 => Some(Activation::Reciprocal),
            _ => None,
        },
        Activation::Sqrt | Activation::Reciprocal => Some(f.clone()),
        _ => None,
    }
}
