//! From an integer program to a row program: layouts, groups, tables, equations.
//!
//! Pure data and deterministic: the same program, profile and visibility give the same plan on
//! every machine, so a verifying key can be recomputed from the model. `lint` then proves, from
//! the row program alone, that it means the integer program.

mod arrange;
mod builder;
mod claims;
mod cost;
mod digits;
mod display;
mod equations;
mod forms;
mod frame;
mod geometry;
mod image;
mod layout;
mod rows;
mod search;
#[cfg(not(target_arch = "wasm32"))]
mod speed;
mod storage;
mod summary;
mod tags;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_products;
#[cfg(test)]
mod tests_windows;

pub use builder::Scalar;
pub use claims::{Claim, Monomial};
pub use cost::{Cost, CostModel, UnitBytes, UnitSeconds};
pub use geometry::{Geometry, GeometryError};
pub use layout::{Arrangement, Layout, LayoutPolicy, Segment, Slots};
pub use rows::{
    Base, Carry, Group, LaneRead, OperandRead, PublicRole, RowProgram, Source, TableRow, UnitRef,
    VectorRow,
};
pub use search::{Objective, search};
pub use summary::LayoutSummary;
pub use tags::{NULL_TAG, TableKind, Tags};

pub use crate::statement::{IoSchema, IoTensor, StatementError, Visibility, Words};

use crate::machine::Profile;
use builder::Builder;
use serde::{Deserialize, Serialize};
use storage::{Forms, Storage};
use zkml_core::program::{Program, ProgramError, Step, StoredTensor, Term};

/// A program laid out in a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Fixed columns and equations.
    pub rows: RowProgram,
    /// What each equation means.
    pub claims: Vec<Claim>,
    /// Where each stored tensor stands.
    pub layouts: Vec<Layout>,
    /// Scalar copies.
    pub scalars: Vec<Scalar>,
    /// Tags of the tables.
    pub tags: Tags,
    /// How values are packed into public words.
    pub io: IoSchema,
    /// How layouts were chosen.
    pub policy: LayoutPolicy,
}

/// Why a program has no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The program is malformed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The program does not fit the largest machine of the profile.
    #[error(transparent)]
    TooLarge(#[from] GeometryError),
    /// A step uses something this machine has no layout for.
    #[error("{node}: {what} has no layout in this machine")]
    Unsupported {
        /// The ONNX node.
        node: String,
        /// What it uses.
        what: &'static str,
    },
}

impl Plan {
    /// Stored values of a program at most: the planner's memory grows with them, and a program
    /// read from a file may name very many in few bytes.
    pub const MAX_VALUES: usize = 1 << 24;

    /// Lanes that stored values may take, gaps included.
    pub const MAX_SLOTS: usize = 1 << 25;

    /// Lays out `program` in the machine `profile`, at the smallest `k` that holds it, images by the
    /// default policy.
    ///
    /// # Errors
    /// As [`Self::with_policy`].
    pub fn new(
        program: &Program,
        profile: Profile,
        input_visibility: Visibility,
    ) -> Result<Self, PlanError> {
        Self::with_policy(program, profile, input_visibility, LayoutPolicy::default())
    }

    /// Lays out `program` in the machine `profile`, at the smallest `k` that holds it.
    ///
    /// # Errors
    /// [`PlanError`] when the program is malformed, uses a step this machine has no layout for, or
    /// does not fit.
    pub fn with_policy(
        program: &Program,
        profile: Profile,
        input_visibility: Visibility,
        policy: LayoutPolicy,
    ) -> Result<Self, PlanError> {
        let prepared = Prepared::new(program, input_visibility)?;
        Self::of(&prepared, profile, policy)
    }

    /// Lays out a prepared program.
    fn of(
        prepared: &Prepared<'_>,
        profile: Profile,
        policy: LayoutPolicy,
    ) -> Result<Self, PlanError> {
        let Prepared { program, input_visibility, .. } = *prepared;
        let storages = arrange::choose(program, &prepared.forms, &prepared.public, profile, policy);
        let groups = storages.iter().map(|s| s.groups(profile.lanes()));
        if groups.fold(0, usize::saturating_add).saturating_mul(profile.lanes()) > Self::MAX_SLOTS {
            let what = "a total of more than 2^25 lanes";
            return Err(PlanError::Unsupported { node: "the model".into(), what });
        }
        let segments: Vec<Vec<Slots>> = storages.iter().map(Storage::segments).collect();
        let io = digits::schema(program, profile, input_visibility, &segments);
        let tags = Tags::new(program);
        let (groups, layouts) = place(program, profile, (&storages, segments), &io, &tags);
        let has_table: Vec<bool> = program.tensors.iter().map(has_table).collect();
        let lengths: Vec<usize> = program.tensors.iter().map(|t| t.shape.len()).collect();
        let mut builder = Builder::new(profile, groups, layouts, has_table, &lengths);
        equations::build(&mut builder, program, &storages);
        let Builder { groups, vector, equations, claims, scalars, layouts, .. } = builder.finish();
        let (tables, words) = (tags.rows(program), io.words());
        let mut rows = RowProgram { profile, k: 0, groups, vector, tables, equations, words };
        rows.k = smallest_k(&mut rows)?;
        Ok(Self { rows, claims, layouts, scalars, tags, io, policy })
    }
}

/// What plans of a program have in common, whatever the machine.
struct Prepared<'a> {
    program: &'a Program,
    input_visibility: Visibility,
    /// Which tensors are part of the statement.
    public: Vec<bool>,
    forms: Forms,
}

impl<'a> Prepared<'a> {
    fn new(program: &'a Program, input_visibility: Visibility) -> Result<Self, PlanError> {
        program.check()?;
        supported(program)?;
        let public_inputs = input_visibility == Visibility::Public;
        let is_output = |t: usize| program.outputs.iter().any(|o| o.view.tensor.0 == t);
        let is_input = |tensor: &StoredTensor| matches!(tensor.step, Step::Input(_));
        let public: Vec<bool> = (0..)
            .zip(&program.tensors)
            .map(|(t, tensor)| is_output(t) || public_inputs && is_input(tensor))
            .collect();
        let images = forms::choose(program);
        for (tensor, image) in program.tensors.iter().zip(&images) {
            if let Step::Affine(affine) = &tensor.step
                && !frame::is_bounded(&storage::products(affine, image), image)
            {
                let what = "a window so large, or of so wide strides,";
                return Err(PlanError::Unsupported { node: tensor.origin.to_string(), what });
            }
        }
        Ok(Self { program, input_visibility, public, forms: Forms::new(program, images) })
    }

    /// Groups of a machine that its stored values take at least.
    fn least_groups(&self, profile: Profile) -> usize {
        let values: usize = self.program.tensors.iter().map(|t| t.shape.len()).sum();
        values.div_ceil(profile.lanes())
    }
}

fn smallest_k(rows: &mut RowProgram) -> Result<u32, GeometryError> {
    let mut last = None;
    for k in Geometry::K_RANGE {
        rows.k = k;
        match Geometry::check(rows) {
            Ok(_) => return Ok(k),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(GeometryError {
        what: "rows",
        needed: 0,
        available: 0,
        profile: rows.profile,
        k: rows.k,
    }))
}

/// Steps and terms newer than this planner are refused rather than skipped.
fn supported(program: &Program) -> Result<(), PlanError> {
    let values = program.tensors.iter().map(|t| t.shape.len()).fold(0, usize::saturating_add);
    if values > Plan::MAX_VALUES {
        let what = "a total of more than 2^24 stored values";
        return Err(PlanError::Unsupported { node: "the model".into(), what });
    }
    for tensor in &program.tensors {
        let refuse = |what| Err(PlanError::Unsupported { node: tensor.origin.to_string(), what });
        match &tensor.step {
            Step::Input(_) => {}
            Step::Affine(affine) => {
                let known = |term: &Term| {
                    matches!(
                        term,
                        Term::Contract { .. }
                            | Term::Scale { .. }
                            | Term::Correlate { .. }
                            | Term::Product { .. }
                    )
                };
                if !affine.terms.iter().all(known) {
                    return refuse("a term");
                }
            }
            _ => return refuse("a step"),
        }
    }
    Ok(())
}

fn has_table(tensor: &zkml_core::program::StoredTensor) -> bool {
    matches!(&tensor.step, Step::Affine(affine) if affine.table.is_some())
}

/// Gives every segment its groups: public tensors first, in the order of their words.
fn place(
    program: &Program,
    profile: Profile,
    (storages, mut segments): (&[Storage], Vec<Vec<Slots>>),
    io: &IoSchema,
    tags: &Tags,
) -> (Vec<Group>, Vec<Layout>) {
    let public: Vec<usize> = io.tensors().map(|t| t.tensor.0).collect();
    let private = (0..program.tensors.len()).filter(|t| !public.contains(t));
    let order: Vec<usize> = public.iter().copied().chain(private).collect();
    let mut groups = Vec::new();
    let mut layouts: Vec<Layout> = storages.iter().map(Storage::layout).collect();
    for index in order {
        let tensor = &program.tensors[index];
        let (tag_r, tag_f) = tags.of(tensor);
        let shift = match &tensor.step {
            Step::Affine(affine) => affine.shift,
            _ => 0,
        };
        let role = if has_table(tensor) { PublicRole::Y } else { PublicRole::X };
        for slots in std::mem::take(&mut segments[index]) {
            let group = groups.len();
            for chunk in slots.chunks(profile.lanes()) {
                groups.push(Group {
                    mask: chunk
                        .iter()
                        .enumerate()
                        .fold(0, |mask, (l, slot)| mask | u32::from(slot.is_some()) << l),
                    shift,
                    tag_r,
                    tag_f,
                    public: public.contains(&index).then_some(role),
                    ..Group::default()
                });
            }
            layouts[index].segments.push(Segment { group, slots });
        }
    }
    (groups, layouts)
}
