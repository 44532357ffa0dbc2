//! What cells stand for by the plan's layouts, and whether the equations bear it out.

use super::{Cell, LintError, Monomial, symbolic::Linear};
use crate::{
    machine::{Profile, Role},
    plan::{Geometry, NULL_TAG, Plan, PublicRole, Visibility},
};
use std::collections::HashMap;
use zkml_core::program::{Affine, Bits, Program, Step, StoredTensor, Term, View};

/// A stored element.
type Element = (usize, usize);

/// Homes of elements and scalars, and the equations found for them.
pub(super) struct Claims<'a> {
    program: &'a Program,
    plan: &'a Plan,
    /// Group and lane of each element of each tensor.
    homes: Vec<Vec<(usize, usize)>>,
    at_home: HashMap<(usize, usize), Element>,
    scalars: HashMap<usize, Element>,
    definitions: HashMap<Element, usize>,
    ties: HashMap<usize, usize>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(
        program: &'a Program,
        plan: &'a Plan,
        geometry: Geometry,
    ) -> Result<Self, LintError> {
        let lanes = plan.rows.profile.lanes();
        let mut homes = Vec::with_capacity(program.tensors.len());
        let mut at_home = HashMap::new();
        for (index, tensor) in program.tensors.iter().enumerate() {
            let mut home = vec![None; tensor.shape.len()];
            let layout = plan.layouts.get(index);
            for (element, group, lane) in layout.iter().flat_map(|l| l.cells(lanes)) {
                let fail = LintError::Home { tensor: index, element: element as usize };
                let slot = home.get_mut(element as usize).ok_or(fail.clone())?;
                let taken = at_home.insert((group, lane), (index, element as usize)).is_some();
                if slot.replace((group, lane)).is_some() || taken || group >= geometry.groups() {
                    return Err(fail);
                }
                check_tags(plan, tensor, group)?;
            }
            homes.push(
                home.into_iter()
                    .enumerate()
                    .map(|(element, at)| at.ok_or(LintError::Home { tensor: index, element }))
                    .collect::<Result<Vec<_>, _>>()?,
            );
        }
        let mut scalars = HashMap::new();
        for scalar in &plan.scalars {
            let (tensor, element) = (scalar.tensor.0, scalar.element as usize);
            let known = homes.get(tensor).is_some_and(|home| element < home.len());
            let inside = scalar.group < geometry.groups();
            if !known || !inside || scalars.insert(scalar.group, (tensor, element)).is_some() {
                return Err(LintError::Home { tensor, element });
            }
        }
        Ok(Self {
            program,
            plan,
            homes,
            at_home,
            scalars,
            definitions: HashMap::new(),
            ties: HashMap::new(),
        })
    }

    /// The cell that holds what later steps read of an element.
    fn value_cell(&self, (tensor, element): Element) -> Option<Cell> {
        let (group, lane) = *self.homes.get(tensor)?.get(element)?;
        let role = if has_table(self.program, tensor) { Role::Y } else { Role::X };
        Some(Cell::Lane { role, group, lane })
    }

    /// Recognises one linear equation as a tie or a definition, and counts it.
    pub(super) fn account(
        &mut self,
        equation: usize,
        monomial: Monomial,
        linear: &Linear,
    ) -> Result<(), LintError> {
        let unknown = LintError::Equation { equation, monomial };
        if let Some(group) = self.tie(linear) {
            *self.ties.entry(group).or_default() += 1;
            return Ok(());
        }
        let remainder = linear.iter().find_map(|(cell, coefficient)| match cell {
            Cell::Lane { role: Role::R, group, lane } => Some(((*group, *lane), *coefficient)),
            _ => None,
        });
        let (home, sign) = remainder.ok_or(unknown.clone())?;
        let element = *self.at_home.get(&home).ok_or(unknown.clone())?;
        if sign.abs() != 1 {
            return Err(unknown);
        }
        let expected = self.definition(element).ok_or(unknown)?;
        let mut got = Linear::new();
        for (cell, coefficient) in linear {
            let cell = match cell {
                Cell::Scalar(group) => self
                    .scalars
                    .get(group)
                    .and_then(|element| self.value_cell(*element))
                    .ok_or(LintError::Equation { equation, monomial })?,
                other => *other,
            };
            accumulate(&mut got, cell, coefficient * sign)?;
        }
        got.retain(|_, coefficient| *coefficient != 0);
        if got != expected {
            return Err(LintError::Definition { tensor: element.0, element: element.1 });
        }
        *self.definitions.entry(element).or_default() += 1;
        Ok(())
    }

    /// The group whose scalar `linear` ties to the element it claims, and to nothing else.
    fn tie(&self, linear: &Linear) -> Option<usize> {
        let mut cells = linear.iter();
        let (first, second) = (cells.next()?, cells.next()?);
        if cells.next().is_some() || first.1.checked_add(*second.1)? != 0 || first.1.abs() != 1 {
            return None;
        }
        let (group, other) = match (first.0, second.0) {
            (Cell::Scalar(group), other) | (other, Cell::Scalar(group)) => (*group, *other),
            _ => return None,
        };
        let element = self.scalars.get(&group)?;
        (self.value_cell(*element)? == other).then_some(group)
    }

    /// `2^s x + r - 2^(s-1) - bias - sum w v` of a computed element.
    fn definition(&self, (tensor, element): Element) -> Option<Linear> {
        let stored = self.program.tensors.get(tensor)?;
        let Step::Affine(affine) = &stored.step else { return None };
        let (group, lane) = self.homes[tensor][element];
        let mut linear = Linear::new();
        let home = |role| Cell::Lane { role, group, lane };
        accumulate(&mut linear, home(Role::X), 1 << affine.shift).ok()?;
        accumulate(&mut linear, home(Role::R), 1).ok()?;
        let half = if affine.shift == 0 { 0 } else { 1i128 << (affine.shift - 1) };
        let bias = constant(affine, element);
        accumulate(&mut linear, Cell::One, -(half + bias)).ok()?;
        for term in &affine.terms {
            self.subtract(&mut linear, term, element)?;
        }
        linear.retain(|_, coefficient| *coefficient != 0);
        Some(linear)
    }

    fn subtract(&self, linear: &mut Linear, term: &Term, element: usize) -> Option<()> {
        match term {
            Term::Contract { view, weight } => {
                let [inner, outputs] = weight.shape().dims() else { return None };
                let (i, j) = (element / outputs, element % outputs);
                for k in 0..*inner {
                    let weight = *weight.data().get(k * outputs + j)?;
                    let cell = self.read(view, i * inner + k)?;
                    accumulate(linear, cell, -i128::from(weight)).ok()?;
                }
            }
            Term::Scale { view, factor } => {
                let at = if factor.data().len() == 1 { 0 } else { element };
                let factor = *factor.data().get(at)?;
                accumulate(linear, self.read(view, element)?, -i128::from(factor)).ok()?;
            }
            _ => return None,
        }
        Some(())
    }

    fn read(&self, view: &View, at: usize) -> Option<Cell> {
        self.value_cell((view.tensor.0, view.element(at)?))
    }

    /// The schema lists exactly the program's public tensors: without this a word less would be a
    /// model whose output nobody sees, and another scale or name a statement of something else.
    pub(super) fn check_statement(&self) -> Result<(), LintError> {
        let (program, io) = (self.program, &self.plan.io);
        let public = match io.input_visibility {
            Visibility::Public => program.inputs.as_slice(),
            Visibility::Private => &[],
        };
        let inputs = public.iter().map(|input| {
            let shape = program.tensors.get(input.tensor.0).map(|t| &t.shape);
            (input.name.as_str(), input.tensor, shape)
        });
        let outputs = program
            .outputs
            .iter()
            .map(|output| (output.name.as_str(), output.view.tensor, Some(&output.view.shape)));
        for (kind, listed, mut expected) in [
            ("input", &io.inputs, Box::new(inputs) as Box<dyn Iterator<Item = _>>),
            ("output", &io.outputs, Box::new(outputs)),
        ] {
            for got in listed {
                let fail = || LintError::Statement { what: format!("{kind} `{}`", got.name) };
                let (name, tensor, shape) = expected.next().ok_or_else(fail)?;
                let stored = program.tensors.get(tensor.0).ok_or_else(fail)?;
                let same = got.name == name && got.tensor == tensor && Some(&got.shape) == shape;
                if !same || got.scale != stored.scale || !self.in_range(stored, got.bits) {
                    return Err(fail());
                }
            }
            if let Some((name, ..)) = expected.next() {
                return Err(LintError::Statement { what: format!("{kind} `{name}` is missing") });
            }
        }
        Ok(())
    }

    /// Whether `bits` hold every value that `stored` can have: its range, or those of its table.
    fn in_range(&self, stored: &StoredTensor, bits: Bits) -> bool {
        let table = match &stored.step {
            Step::Affine(affine) => affine.table.and_then(|t| self.program.tables.get(t.0)),
            _ => None,
        };
        match table {
            None => bits == stored.bits,
            Some(table) => table.values.iter().all(|v| bits.contains(i64::from(*v))),
        }
    }

    /// Every public element in its digit, every word's digits live and looked up.
    pub(super) fn check_words(&self) -> Result<(), LintError> {
        let rows = &self.plan.rows;
        let mut word = 0;
        for tensor in self.plan.io.tensors() {
            let index = tensor.tensor.0;
            let fail = |word| LintError::Word { word };
            let mut seen = vec![false; tensor.shape.len()];
            let source = self.public_view(index, &tensor.name);
            for digits in &tensor.digits {
                let group = rows.groups.get(word).ok_or(fail(word))?;
                let role = match has_table(self.program, index) {
                    true => PublicRole::Y,
                    false => PublicRole::X,
                };
                let digits_of_mask = group.mask & low_bits(rows.profile);
                if group.public != Some(role) || digits.len() > rows.profile.public_lanes() {
                    return Err(fail(word));
                }
                let mut mask = 0;
                for (lane, digit) in digits.iter().enumerate() {
                    let Some(element) = digit else { continue };
                    mask |= 1 << lane;
                    let element = *element as usize;
                    let stored = source(element).ok_or(fail(word))?;
                    let seen = seen.get_mut(element).ok_or(fail(word))?;
                    let home = self.homes[index].get(stored);
                    if home != Some(&(word, lane)) || std::mem::replace(seen, true) {
                        return Err(fail(word));
                    }
                }
                if mask != digits_of_mask {
                    return Err(fail(word));
                }
                word += 1;
            }
            if seen.contains(&false) {
                return Err(fail(word));
            }
        }
        let stray = rows.groups.iter().skip(word).any(|g| g.public.is_some());
        if word != rows.words || stray {
            return Err(LintError::Word { word });
        }
        Ok(())
    }

    /// Maps elements of a public tensor, as the statement numbers them, to stored ones.
    fn public_view(&self, tensor: usize, name: &str) -> impl Fn(usize) -> Option<usize> + 'a {
        let mut outputs = self.program.outputs.iter();
        let view = outputs.find(|o| o.view.tensor.0 == tensor && o.name == name).map(|o| &o.view);
        move |element| match view {
            None => Some(element),
            Some(View { index: None, .. }) => Some(element),
            Some(View { index: Some(index), .. }) => index.get(element).map(|e| *e as usize),
        }
    }

    /// Checks that nothing lacks its equation; counts of definitions and ties.
    pub(super) fn finish(self) -> Result<(usize, usize), LintError> {
        for (tensor, stored) in self.program.tensors.iter().enumerate() {
            let expected = usize::from(matches!(stored.step, Step::Affine(_)));
            for element in 0..stored.shape.len() {
                let got = self.definitions.get(&(tensor, element)).copied().unwrap_or(0);
                if got != expected {
                    let what = format!("element {element} of tensor {tensor}");
                    return Err(LintError::Count { what, got });
                }
            }
        }
        for group in self.scalars.keys() {
            let got = self.ties.get(group).copied().unwrap_or(0);
            if got != 1 {
                return Err(LintError::Count { what: format!("the scalar of group {group}"), got });
            }
        }
        Ok((self.definitions.len(), self.ties.len()))
    }
}

fn check_tags(plan: &Plan, tensor: &StoredTensor, group: usize) -> Result<(), LintError> {
    let expected = plan.tags.of(tensor);
    let got = plan.rows.groups.get(group).map_or((NULL_TAG, NULL_TAG), |g| (g.tag_r, g.tag_f));
    if expected == got { Ok(()) } else { Err(LintError::Tags { group, expected, got }) }
}

fn has_table(program: &Program, tensor: usize) -> bool {
    let step = program.tensors.get(tensor).map(|t| &t.step);
    matches!(step, Some(Step::Affine(affine)) if affine.table.is_some())
}

fn constant(affine: &Affine, element: usize) -> i128 {
    let Some(bias) = &affine.bias else { return 0 };
    let at = if bias.data().len() == 1 { 0 } else { element };
    bias.data().get(at).copied().map_or(0, i128::from)
}

fn accumulate(linear: &mut Linear, cell: Cell, coefficient: i128) -> Result<(), LintError> {
    let slot = linear.entry(cell).or_default();
    *slot = slot.checked_add(coefficient).ok_or(LintError::Overflow)?;
    Ok(())
}

/// Mask of the lanes that a public word packs.
fn low_bits(profile: Profile) -> u32 {
    // At most 8 lanes.
    (1u32 << profile.public_lanes()) - 1
}
