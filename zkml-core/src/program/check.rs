//! The invariants of a [`Program`], checked on every program that comes from a file.
//!
//! Shapes, widths and tensor lengths are right by their types, also after deserialisation; what
//! relates one part of a program to another is checked here. No accumulator is bounded here: see
//! [`super::Bounds`].

use super::{
    Affine, Bits, Program, ProgramError, Scale, Step, StoredTensor, Table, TensorId, Term, View,
};
use crate::tensor::Shape;
use std::collections::BTreeSet;

impl Program {
    /// Largest re-quantisation shift: a remainder is one digit of 16 bits.
    pub const MAX_SHIFT: u8 = 16;

    /// Scales lie in `[-MAX_SCALE, MAX_SCALE]`: every real value is then a normal `f64`.
    pub const MAX_SCALE: i32 = 128;

    /// Checks every invariant of the program:
    ///
    /// * at least one input and one output; names not empty, unique among inputs and among outputs;
    /// * tables have a domain of 1 to `2^16` integers of 16 signed bits, and no two hold the same
    ///   function;
    /// * input `i` and the only tensor with step `Input(i)` name each other; inputs that are columns
    ///   of one stand together and hold each of its columns once;
    /// * tensors are not empty, and steps read earlier tensors only, by views whose indices exist;
    /// * terms, factors and biases have the shapes their documentation states, all products of a
    ///   step the same `[I, J]` (Contract; `[B, I, J]` is `[B I, J]` to it), `[B, I, J]` (Product) or
    ///   `[B, O, H', W']` (Correlate); the factor of a Product is not 0; the shift is at most
    ///   [`Self::MAX_SHIFT`]; the domain of a table lies in the range of its tensor;
    /// * each output is a permutation of a stored tensor of its own, one that is no input and whose
    ///   table, if any, has values of 16 bits: digits of a public word.
    ///
    /// # Errors
    /// [`ProgramError`] naming the first part that violates one. Never panics, whatever the program.
    pub fn check(&self) -> Result<(), ProgramError> {
        self.check_tables()?;
        self.check_inputs()?;
        for (id, tensor) in self.tensors.iter().enumerate() {
            self.check_tensor(id, tensor)
                .map_err(|what| malformed(format!("tensor {id} ({}): {what}", tensor.origin)))?;
        }
        self.check_outputs()
    }

    fn check_tables(&self) -> Result<(), ProgramError> {
        let mut seen = BTreeSet::new();
        for (id, table) in self.tables.iter().enumerate() {
            check_table(table)
                .map_err(|what| malformed(format!("table {id} `{}`: {what}", table.name)))?;
            if !seen.insert((table.first, &table.values)) {
                return Err(malformed(format!("table {id} `{}` occurs twice", table.name)));
            }
        }
        Ok(())
    }

    fn check_inputs(&self) -> Result<(), ProgramError> {
        unique_names("input", self.inputs.iter().map(|input| input.name.as_str()))?;
        for (i, input) in self.inputs.iter().enumerate() {
            let step = self.tensors.get(input.tensor.0).map(|tensor| &tensor.step);
            if step != Some(&Step::Input(i)) {
                let (name, tensor) = (&input.name, input.tensor.0);
                return Err(malformed(format!("tensor {tensor} is not input {i} `{name}`")));
            }
        }
        self.check_columns().map_err(malformed)
    }

    fn check_tensor(&self, id: usize, tensor: &StoredTensor) -> Result<(), String> {
        if tensor.shape.len() == 0 {
            return Err(format!("shape {} has no elements", tensor.shape));
        }
        if !(-Self::MAX_SCALE..=Self::MAX_SCALE).contains(&tensor.scale.0) {
            let Scale(scale) = tensor.scale;
            return Err(format!("scale {scale} exceeds {} in magnitude", Self::MAX_SCALE));
        }
        match &tensor.step {
            Step::Input(i) => match self.inputs.get(*i) {
                Some(input) if input.tensor == TensorId(id) => Ok(()),
                _ => Err(format!("no input {i} declares it")),
            },
            Step::Affine(affine) => self.check_affine(id, tensor, affine),
        }
    }

    fn check_affine(&self, id: usize, out: &StoredTensor, affine: &Affine) -> Result<(), String> {
        if affine.terms.is_empty() {
            return Err("no terms".into());
        }
        if affine.shift > Self::MAX_SHIFT {
            return Err(format!("shift {} exceeds {}", affine.shift, Self::MAX_SHIFT));
        }
        let (mut product, mut batch) = (None, None);
        for (i, term) in affine.terms.iter().enumerate() {
            for view in term.views() {
                let TensorId(read) = view.tensor;
                if read >= id {
                    return Err(format!("term {i} reads tensor {read}, not an earlier one"));
                }
                self.check_view(view).map_err(|what| format!("term {i}: {what}"))?;
            }
            let new = check_term(term, &out.shape).map_err(|what| format!("term {i}: {what}"))?;
            agree(&mut product, new).map_err(|(old, new)| {
                format!("term {i} is a {new:?} product beside a {old:?} one")
            })?;
            agree(&mut batch, batch_of(term)).map_err(|(old, new)| {
                format!("term {i} is a product in a batch of {new} beside one of {old}")
            })?;
        }
        if let Some(bias) = &affine.bias {
            check_constant("bias", bias.shape(), &out.shape)?;
        }
        if let Some(table) = affine.table {
            let Some(table) = self.tables.get(table.0) else {
                return Err(format!("there is no table {}", table.0));
            };
            let (domain, bits) = (table.domain(), out.bits);
            if !(bits.contains(*domain.start()) && bits.contains(*domain.end())) {
                let (first, last, bits) = (domain.start(), domain.end(), bits.get());
                return Err(format!("a table of [{first}, {last}] for values of {bits} bits"));
            }
        }
        Ok(())
    }

    fn check_view(&self, view: &View) -> Result<(), String> {
        let Some(source) = self.tensors.get(view.tensor.0) else {
            return Err(format!("there is no tensor {}", view.tensor.0));
        };
        let (len, stored) = (view.shape.len(), source.shape.len());
        match &view.index {
            None if len == stored => Ok(()),
            None => Err(format!("view {} of {stored} elements without index", view.shape)),
            Some(index) if index.len() != len => {
                Err(format!("view {} with {} indices", view.shape, index.len()))
            }
            Some(index) => {
                match index.iter().find(|at| **at as usize >= stored && **at != View::HOLE) {
                    Some(at) => Err(format!("view reads element {at} of {stored}")),
                    None => Ok(()),
                }
            }
        }
    }

    fn check_outputs(&self) -> Result<(), ProgramError> {
        unique_names("output", self.outputs.iter().map(|output| output.name.as_str()))?;
        let mut taken = BTreeSet::new();
        for output in &self.outputs {
            let fail = |what: String| malformed(format!("output `{}`: {what}", output.name));
            self.check_view(&output.view).map_err(fail)?;
            let id = output.view.tensor;
            if matches!(self.tensors[id.0].step, Step::Input(_)) {
                return Err(fail(format!("reads tensor {}, an input", id.0)));
            }
            if !taken.insert(id) {
                return Err(fail(format!("shares tensor {} with another output", id.0)));
            }
            if !output.view.is_permutation(self.tensors[id.0].shape.len()) {
                return Err(fail(format!("is no permutation of tensor {}", id.0)));
            }
            let table = match &self.tensors[id.0].step {
                Step::Affine(affine) => affine.table.and_then(|table| self.tables.get(table.0)),
                Step::Input(_) => None,
            };
            if let Some((least, greatest)) =
                table.filter(|t| !t.fits(Bits::WIDEST)).map(Table::extremes)
            {
                return Err(fail(format!(
                    "tensor {} has values in [{least}, {greatest}], not of 16 bits",
                    id.0
                )));
            }
        }
        Ok(())
    }
}

fn malformed(what: String) -> ProgramError {
    ProgramError { what }
}

fn unique_names<'a>(
    kind: &str,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), ProgramError> {
    if names.len() == 0 {
        return Err(malformed(format!("no {kind}s")));
    }
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() {
            return Err(malformed(format!("an {kind} without a name")));
        }
        if !seen.insert(name) {
            return Err(malformed(format!("two {kind}s named `{name}`")));
        }
    }
    Ok(())
}

fn check_table(table: &Table) -> Result<(), String> {
    let domain = table.domain();
    if domain.is_empty() {
        return Err("no values".into());
    }
    if [domain.start(), domain.end()].iter().any(|x| i16::try_from(**x).is_err()) {
        let (first, last) = (domain.start(), domain.end());
        return Err(format!("domain [{first}, {last}] does not fit 16 bits"));
    }
    Ok(())
}

/// What all that have it must have in common; the two that differ, if they do.
fn agree<T: PartialEq + Clone>(common: &mut Option<T>, new: Option<T>) -> Result<(), (T, T)> {
    match (&*common, new) {
        (Some(old), Some(new)) if *old != new => Err((old.clone(), new)),
        (None, new) => {
            *common = new;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `B` of a product of two activations that passed [`check_term`].
fn batch_of(term: &Term) -> Option<usize> {
    match term {
        Term::Product { left, .. } => left.shape.dims().first().copied(),
        _ => None,
    }
}

/// Checks a term against the shape of its step's output; gives `[I, J]` (of two activations
/// `[B I, J]`) or `[B, O, H', W']` of a product.
fn check_term(term: &Term, out: &Shape) -> Result<Option<Vec<usize>>, String> {
    match term {
        Term::Contract { view, weight } => {
            let (&[i, k], &[k2, j]) = (view.shape.dims(), weight.shape().dims()) else {
                return Err(format!("product of {} and {}", view.shape, weight.shape()));
            };
            // Both are shapes, so each is below 2^28 and the product below 2^56.
            if k != k2 || i * j != out.len() {
                return Err(format!("product of {} and {} for {out}", view.shape, weight.shape()));
            }
            Ok(Some(vec![i, j]))
        }
        Term::Correlate { view, weight, window, groups } => {
            let fail = || Err(format!("convolution of {} and {}", view.shape, weight.shape()));
            let (&[b, c, h, w], &[o, inner, kh, kw]) = (view.shape.dims(), weight.shape().dims())
            else {
                return fail();
            };
            let fits = window.check()
                && (h, w) == (window.height.input, window.width.input)
                && (kh, kw) == (window.height.kernel, window.width.kernel)
                && view.shape.len() > 0
                && *groups > 0
                && c.is_multiple_of(*groups)
                && o.is_multiple_of(*groups)
                && inner == c / groups;
            if !fits {
                return fail();
            }
            let product = vec![b, o, window.height.output, window.width.output];
            let size = product.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
            if size != Some(out.len()) {
                return fail();
            }
            Ok(Some(product))
        }
        Term::Product { left, right, factor } => {
            let fail = || Err(format!("product of {} and {} for {out}", left.shape, right.shape));
            let (&[b, i, k], &[b2, k2, j]) = (left.shape.dims(), right.shape.dims()) else {
                return fail();
            };
            // Neither is empty, as shapes `b * i` and `j` are below 2^28 and their product below
            // 2^56.
            if k == 0 || (b, k) != (b2, k2) || b * i * j != out.len() {
                return fail();
            }
            if *factor == 0 {
                return Err("a product with factor 0".into());
            }
            Ok(Some(vec![b * i, j]))
        }
        Term::Scale { view, factor } => {
            if &view.shape != out {
                return Err(format!("summand of shape {} for {out}", view.shape));
            }
            check_constant("factor", factor.shape(), out)?;
            Ok(None)
        }
    }
}

/// A constant beside an output: a scalar or of the same shape.
fn check_constant(kind: &str, shape: &Shape, out: &Shape) -> Result<(), String> {
    if shape.rank() == 0 || shape == out {
        Ok(())
    } else {
        Err(format!("{kind} of shape {shape} for {out}"))
    }
}
