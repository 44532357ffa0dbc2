//! What cells stand for by the plan's layouts, and what its claims say of the equations.

use super::{LintError, definitions::Definitions, sample::Sample};
use crate::{
    machine::Profile,
    plan::{Claim, Geometry, Monomial, NULL_TAG, Plan, PublicRole, Scalar, Visibility},
};
use ff::Field;
use halo2curves::bn256::Fr;
use std::collections::{BTreeMap, HashSet};
use zkml_core::program::{Bits, Program, Step, StoredTensor, View};

/// Homes of elements and scalars, and the equations found for them.
pub(super) struct Claims<'a> {
    program: &'a Program,
    plan: &'a Plan,
    /// Group and lane of each element of each tensor.
    homes: Vec<Vec<(usize, usize)>>,
    /// By tensor and element: how many claims define it.
    definitions: Vec<Vec<usize>>,
    /// By number of the scalar: how many claims tie it.
    ties: Vec<usize>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(
        program: &'a Program,
        plan: &'a Plan,
        geometry: Geometry,
    ) -> Result<Self, LintError> {
        let lanes = plan.rows.profile.lanes();
        let mut homes = Vec::with_capacity(program.tensors.len());
        let mut at_home = vec![false; plan.rows.groups.len() * lanes];
        for (index, tensor) in program.tensors.iter().enumerate() {
            let mut home = vec![None; tensor.shape.len()];
            let layout = plan.layouts.get(index);
            for (element, group, lane) in layout.iter().flat_map(|l| l.cells(lanes)) {
                let fail = LintError::Home { tensor: index, element: element as usize };
                let slot = home.get_mut(element as usize).ok_or(fail.clone())?;
                let cell = group.checked_mul(lanes).and_then(|at| at_home.get_mut(at + lane));
                let taken = cell.is_none_or(|taken| std::mem::replace(taken, true));
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
        let mut scalars = HashSet::new();
        for scalar in &plan.scalars {
            let (tensor, element) = (scalar.tensor.0, scalar.element as usize);
            let known = homes.get(tensor).is_some_and(|home| element < home.len());
            let inside = scalar.group < geometry.groups();
            if !known || !inside || !scalars.insert(scalar.group) {
                return Err(LintError::Home { tensor, element });
            }
        }
        let definitions = homes.iter().map(|home| vec![0; home.len()]).collect();
        let ties = vec![0; plan.scalars.len()];
        Ok(Self { program, plan, homes, definitions, ties })
    }

    /// Counts a claim's elements and scalars, and checks that each exists and has a monomial of
    /// its own.
    pub(super) fn account(&mut self, equation: usize, claim: &Claim) -> Result<(), LintError> {
        let mut taken = Vec::new();
        let mut take = |monomial, count: Option<&mut usize>| match count {
            Some(count) => {
                *count += 1;
                taken.push(monomial);
                Ok(())
            }
            None => Err(LintError::Claim { equation, monomial }),
        };
        match claim {
            Claim::Tie(scalars) => {
                for (scalar, lambda) in scalars {
                    let monomial = Monomial { lambda: *lambda, rho: 0 };
                    take(monomial, self.ties.get_mut(*scalar))?;
                }
            }
            Claim::Step { tensor, elements } => {
                let stored = self.program.tensors.get(tensor.0);
                let computed = stored.is_some_and(|t| matches!(t.step, Step::Affine(_)));
                let mut counts = self.definitions.get_mut(tensor.0).filter(|_| computed);
                for (element, monomial) in elements {
                    let count = counts.as_mut().and_then(|all| all.get_mut(*element as usize));
                    take(*monomial, count)?;
                }
            }
        }
        taken.sort_unstable();
        match taken.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(LintError::Claim { equation, monomial: pair[0] }),
            None => Ok(()),
        }
    }

    /// Scalars as the ties make them: each the value of the element it copies.
    pub(super) fn tied(&self, sample: &Sample) -> Vec<Fr> {
        let mut tied = sample.scalars.clone();
        for scalar in &self.plan.scalars {
            if let Some(slot) = tied.get_mut(scalar.group) {
                *slot = self.value(sample, scalar.tensor.0, scalar.element as usize);
            }
        }
        tied
    }

    /// What a claim says `left - right` is at the sample, by exponent of `lambda`.
    pub(super) fn expected(&self, claim: &Claim, sample: &Sample) -> BTreeMap<usize, Fr> {
        let parts = match claim {
            Claim::Tie(scalars) => scalars.iter().filter_map(|(index, power)| {
                let scalar = self.plan.scalars.get(*index)?;
                let copy = sample.scalars.get(scalar.group)?;
                let value = self.value(sample, scalar.tensor.0, scalar.element as usize);
                Some((*power, *copy - value))
            }),
            Claim::Step { tensor, elements } => return self.defined(tensor.0, elements, sample),
        };
        let mut expected = BTreeMap::new();
        for (power, part) in parts {
            *expected.entry(power as usize).or_insert(Fr::ZERO) += part;
        }
        expected
    }

    /// Sums of definitions of a tensor's elements, by exponent of `lambda`.
    fn defined(
        &self,
        tensor: usize,
        elements: &[(u32, Monomial)],
        sample: &Sample,
    ) -> BTreeMap<usize, Fr> {
        let stored = self.program.tensors.get(tensor);
        let (Some(stored), Some(homes)) = (stored, self.homes.get(tensor)) else {
            return BTreeMap::new();
        };
        let Step::Affine(affine) = &stored.step else { return BTreeMap::new() };
        let cells = |element: usize| {
            let home = homes.get(element);
            let cell = |role| home.map_or(Fr::ZERO, |home| sample.cell(role, home.0, home.1));
            (cell(0), cell(1))
        };
        let value = |t, e| self.value(sample, t, e);
        let powers = &sample.powers;
        Definitions { stored, affine, powers, value, cells }.combined(elements)
    }

    /// What later steps read of an element, at the sample.
    fn value(&self, sample: &Sample, tensor: usize, element: usize) -> Fr {
        let home = self.homes.get(tensor).and_then(|homes| homes.get(element));
        let role = if has_table(self.program, tensor) { 2 } else { 0 };
        home.map_or(Fr::ZERO, |home| sample.cell(role, home.0, home.1))
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
            Some(table) => table.fits(bits),
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
        let mut definitions = 0;
        for (tensor, (stored, counts)) in
            self.program.tensors.iter().zip(&self.definitions).enumerate()
        {
            let expected = usize::from(matches!(stored.step, Step::Affine(_)));
            if let Some(element) = counts.iter().position(|got| *got != expected) {
                let what = format!("element {element} of tensor {tensor}");
                return Err(LintError::Count { what, got: counts[element] });
            }
            definitions += expected * counts.len();
        }
        for (Scalar { group, .. }, got) in self.plan.scalars.iter().zip(&self.ties) {
            if *got != 1 {
                let what = format!("the scalar of group {group}");
                return Err(LintError::Count { what, got: *got });
            }
        }
        Ok((definitions, self.ties.len()))
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

/// Mask of the lanes that a public word packs.
fn low_bits(profile: Profile) -> u32 {
    // At most 8 lanes.
    (1u32 << profile.public_lanes()) - 1
}
