//! Evaluates a gate from the evaluations of its leaves.

use halo2curves::bn256::Fr;

use crate::plonk::protocol::Expr;

/// Values of leaves, by the numbers that expressions use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaves<'a> {
    pub(super) advice: &'a [Fr],
    pub(super) fixed: &'a [Fr],
    /// Every instance query is that of the one column at rotation 0.
    pub(super) instance: Fr,
    pub(super) challenges: &'a [Fr],
}

impl Leaves<'_> {
    /// The value of an expression, or `None` when it names a leaf that does not exist. Works in
    /// post-order with a stack of its own: gates may be deep.
    pub(super) fn evaluate(&self, root: &Expr) -> Option<Fr> {
        enum Step<'e> {
            Visit(&'e Expr),
            Negate,
            Add,
            Multiply,
            Scale(&'e Fr),
        }
        let mut steps = vec![Step::Visit(root)];
        let mut values: Vec<Fr> = Vec::new();
        while let Some(step) = steps.pop() {
            let value = match step {
                Step::Visit(Expr::Negated(a)) => {
                    steps.extend([Step::Negate, Step::Visit(a)]);
                    continue;
                }
                Step::Visit(Expr::Scaled(a, c)) => {
                    steps.extend([Step::Scale(c), Step::Visit(a)]);
                    continue;
                }
                Step::Visit(Expr::Sum(a, b)) => {
                    steps.extend([Step::Add, Step::Visit(b), Step::Visit(a)]);
                    continue;
                }
                Step::Visit(Expr::Product(a, b)) => {
                    steps.extend([Step::Multiply, Step::Visit(b), Step::Visit(a)]);
                    continue;
                }
                Step::Visit(Expr::Constant(c)) => *c,
                Step::Visit(Expr::Advice(i)) => *self.advice.get(*i)?,
                Step::Visit(Expr::Fixed(i)) => *self.fixed.get(*i)?,
                Step::Visit(Expr::Instance(_)) => self.instance,
                Step::Visit(Expr::Challenge(i)) => *self.challenges.get(*i)?,
                Step::Negate => -values.pop()?,
                Step::Scale(c) => values.pop()? * c,
                Step::Add => values.pop()? + values.pop()?,
                Step::Multiply => values.pop()? * values.pop()?,
            };
            values.push(value);
        }
        values.pop()
    }
}
