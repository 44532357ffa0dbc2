//! Writes the program: constants as integers, functions as tables.

use super::{
    QuantError,
    comparison::{self, Comparison},
    form::{Floor, Form, FormTerm, Unit, is_identity},
    function::Function,
    fuse::{Draft, DraftStep, Fused, Input, Precision},
    scales::Choice,
};
use crate::{
    exec::integer::quantize,
    program::{
        Affine, Bits, Encoding, Program, ProgramBuilder, Scale, TableId, TensorId, Term, View,
    },
    tensor::{Shape, Tensor},
};

/// Emits the fused steps with the scales chosen for them.
pub(super) fn emit(fused: &Fused, choices: &[Choice]) -> Result<Program, QuantError> {
    let mut emitter = Emitter { fused, choices, builder: ProgramBuilder::new() };
    for (draft, choice) in fused.drafts.iter().zip(choices) {
        let encoding =
            Encoding { bits: choice.bits, scale: Scale(choice.y), origin: draft.origin.clone() };
        match &draft.step {
            DraftStep::Input(i) => {
                let Input { name, kind } = fused.inputs[*i].clone();
                emitter.builder.input_of(name, draft.shape.clone(), encoding, kind);
            }
            DraftStep::Copy(view) => emitter.copy(draft, view, encoding),
            DraftStep::Linear(form, function) => {
                emitter.linear(draft, (form, function.as_ref()), choice, encoding)?;
            }
        }
    }
    for (name, view) in &fused.outputs {
        let view = emitter.view(view);
        emitter.builder.output(name, view);
    }
    Ok(emitter.builder.finish()?)
}

struct Emitter<'f> {
    fused: &'f Fused,
    choices: &'f [Choice],
    builder: ProgramBuilder,
}

impl Emitter<'_> {
    fn copy(&mut self, draft: &Draft, view: &View, encoding: Encoding) {
        let bits = Ord::max(self.width_of(view.tensor), encoding.bits);
        let affine = Affine::copy(self.view(view));
        self.builder.affine(draft.shape.clone(), Encoding { bits, ..encoding }, affine);
    }

    fn linear(
        &mut self,
        draft: &Draft,
        (form, function): (&Form, Option<&Function>),
        choice: &Choice,
        encoding: Encoding,
    ) -> Result<(), QuantError> {
        if let Some(comparison) = &choice.comparison {
            return self.comparison(draft, (form, function), (choice, comparison), encoding);
        }
        let accumulator = choice.x + i32::from(choice.shift);
        let units = matches!(draft.precision, Precision::Units(..));
        let kept_by = function.and_then(Function::kept_by);
        let mut terms = Vec::with_capacity(form.terms.len());
        for (i, term) in form.terms.iter().enumerate() {
            if Some(i) == kept_by {
                terms.push(self.lifted(draft, term, choice)?);
                continue;
            }
            let operand: i32 = term.views().map(|view| self.choices[view.tensor.0].y).sum();
            // Sums of integers have no scale.
            let scale = Scale(if units { 0 } else { accumulator - operand });
            let integers = |constants: &[f64]| -> Result<Vec<i32>, QuantError> {
                constants.iter().map(|c| self.constant::<i32>(draft, *c, scale)).collect()
            };
            terms.push(match term {
                FormTerm::Contract { weight, view } => Term::Contract {
                    view: self.view(view),
                    weight: tensor(weight.shape().clone(), integers(weight.data())?),
                },
                FormTerm::Correlate { view, weight, window, groups } => Term::Correlate {
                    view: self.view(view),
                    weight: tensor(weight.shape().clone(), integers(weight.data())?),
                    window: *window,
                    groups: *groups,
                },
                FormTerm::Scale { view, factor } => Term::Scale {
                    view: self.view(view),
                    factor: broadcast(&draft.shape, integers(factor)?),
                },
                FormTerm::Product { left, right, factor } => Term::Product {
                    left: self.view(left),
                    right: self.view(right),
                    factor: self.constant(draft, *factor, scale)?,
                },
            });
        }
        let bias = self.bias(draft, form, (accumulator, choice))?;
        self.affine(draft, (terms, bias), (function, choice), encoding)
    }

    /// A step of these terms, with the shift and the table chosen for it.
    fn affine(
        &mut self,
        draft: &Draft,
        (terms, bias): (Vec<Term>, Option<Tensor<i64>>),
        (function, choice): (Option<&Function>, &Choice),
        encoding: Encoding,
    ) -> Result<(), QuantError> {
        let table = match (function, &choice.lookup) {
            (Some(function), Some(lookup)) => {
                Some(self.builder.table(function.table(lookup, &draft.origin)?))
            }
            _ => None,
        };
        let affine = Affine { terms, bias, shift: choice.shift, table };
        self.builder.affine(draft.shape.clone(), encoding, affine);
        Ok(())
    }

    /// A step of integers: what their scales have to do with it is in the constants.
    fn comparison(
        &mut self,
        draft: &Draft,
        (form, function): (&Form, Option<&Function>),
        (choice, comparison): (&Choice, &Comparison),
        encoding: Encoding,
    ) -> Result<(), QuantError> {
        let terms = form.terms.iter().flat_map(FormTerm::views).zip(&comparison.factors);
        let terms = terms.map(|(view, factor)| Term::Scale {
            view: self.view(view),
            factor: broadcast(&draft.shape, factor.clone()),
        });
        let terms = terms.collect();
        let quotient = match function {
            Some(Function::Of(f)) => comparison::quotient(f, choice.shift).unwrap_or(0),
            _ => 0,
        };
        let bias: Vec<i64> = comparison.bias.iter().map(|b| b + quotient).collect();
        let bias = bias.iter().any(|b| *b != 0).then(|| broadcast(&draft.shape, bias));
        self.affine(draft, (terms, bias), (function, choice), encoding)
    }

    /// What is kept, times the lift.
    fn lifted(&self, draft: &Draft, term: &FormTerm, choice: &Choice) -> Result<Term, QuantError> {
        let FormTerm::Scale { view, .. } = term else {
            return Err(QuantError::Unsupported {
                origin: draft.origin.clone(),
                what: "a mask that is no tensor of its own".into(),
            });
        };
        let lift = libm::ldexp(choice.lift as f64, choice.shift.into());
        let factor = Tensor::scalar(self.constant(draft, lift, Scale(0))?);
        Ok(Term::Scale { view: self.view(view), factor })
    }

    /// The bias and what floors add to it, at accumulator scale; none if it is 0.
    fn bias(
        &self,
        draft: &Draft,
        form: &Form,
        (accumulator, choice): (i32, &Choice),
    ) -> Result<Option<Tensor<i64>>, QuantError> {
        let mut bias: Vec<i64> = form
            .bias
            .iter()
            .map(|b| self.constant(draft, *b, Scale(accumulator)))
            .collect::<Result<_, _>>()?;
        for Floor { unit, factor } in &form.floors {
            let (units, scale) = match unit {
                Unit::Least(least) => {
                    let operand = &self.choices[least.tensor.0];
                    (operand.range.with_holes(least.holes).least, operand.y)
                }
                Unit::Live(tensor) => {
                    let operand = &self.choices[tensor.0];
                    (operand.range.live, operand.y)
                }
                Unit::Lift => (choice.lift, choice.x),
            };
            if units == 0 {
                continue;
            }
            let each = Ord::max(bias.len(), factor.len());
            if bias.len() < each {
                bias = vec![bias.first().copied().unwrap_or(0); each];
            }
            for (bias, factor) in bias.iter_mut().zip(factor.iter().cycle()) {
                let factor: i32 = self.constant(draft, *factor, Scale(accumulator - scale))?;
                // A product of 32 and 17 bits; what exceeds the bound is refused later.
                *bias = bias.saturating_add(i64::from(factor) * units);
            }
        }
        Ok(bias.iter().any(|b| *b != 0).then(|| broadcast(&draft.shape, bias)))
    }

    /// A constant as an integer of type `T`.
    fn constant<T: TryFrom<i64>>(
        &self,
        draft: &Draft,
        value: f64,
        scale: Scale,
    ) -> Result<T, QuantError> {
        // A conversion of float to integer saturates, and the ends are far beyond any bound.
        T::try_from(quantize(value, scale) as i64).map_err(|_| QuantError::Unsupported {
            origin: draft.origin.clone(),
            what: format!(
                "constant {value} is too large beside the other terms of this node; give the \
                 tensor a coarser scale or fewer bits"
            ),
        })
    }

    /// The view with an identity map dropped.
    fn view(&self, view: &View) -> View {
        let stored = self.fused.drafts[view.tensor.0].shape.len();
        let identity = |index: &Vec<u32>| index.len() == stored && is_identity(index);
        let index = view.index.as_ref().filter(|index| !identity(index)).cloned();
        View { tensor: view.tensor, shape: view.shape.clone(), index }
    }

    /// Width of the values that later steps read from a tensor.
    fn width_of(&self, id: TensorId) -> Bits {
        let tensor = self.builder.tensor(id);
        let table: Option<TableId> = match &tensor.step {
            crate::program::Step::Affine(affine) => affine.table,
            crate::program::Step::Input(_) => None,
        };
        let Some(table) = table else { return tensor.bits };
        let table = self.builder.table_of(table);
        let holds = |bits: &Bits| table.fits(*bits);
        (1..=Bits::MAX)
            .filter_map(Bits::new)
            .find(holds)
            .expect("the values of a table have 16 bits")
    }
}

fn tensor<T>(shape: Shape, data: Vec<T>) -> Tensor<T> {
    Tensor::new(shape, data).expect("as many elements as before")
}

/// One element for all, or one for each of the shape; one if all are equal.
fn broadcast<T: Copy + PartialEq>(shape: &Shape, data: Vec<T>) -> Tensor<T> {
    if data.iter().all(|v| *v == data[0]) {
        return Tensor::scalar(data[0]);
    }
    tensor(shape.clone(), data)
}
