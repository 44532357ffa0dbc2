//! The statement of a program: which element stands in which digit of which word.

use super::{IoSchema, IoTensor, Visibility, layout::Slots};
use crate::machine::Profile;
use zkml_core::program::{Bits, Program, Step, TensorId};

/// The schema of a program whose tensors are stored by `segments`.
pub(super) fn schema(
    program: &Program,
    profile: Profile,
    input_visibility: Visibility,
    segments: &[Vec<Slots>],
) -> IoSchema {
    let digits = |tensor: TensorId, position: &dyn Fn(u32) -> Option<u32>| {
        let mut words = Vec::new();
        for slots in &segments[tensor.0] {
            for chunk in slots.chunks(profile.lanes()) {
                let digits = chunk.iter().take(profile.public_lanes());
                words.push(digits.map(|slot| slot.and_then(position)).collect());
            }
        }
        words
    };
    let inputs = match input_visibility {
        Visibility::Private => Vec::new(),
        Visibility::Public => program
            .inputs
            .iter()
            .map(|input| {
                let stored = &program.tensors[input.tensor.0];
                IoTensor {
                    name: input.name.clone(),
                    shape: stored.shape.clone(),
                    scale: stored.scale,
                    bits: stored.bits,
                    tensor: input.tensor,
                    digits: digits(input.tensor, &Some),
                }
            })
            .collect(),
    };
    let outputs = program
        .outputs
        .iter()
        .map(|output| {
            let stored = &program.tensors[output.view.tensor.0];
            let mut place = vec![None; stored.shape.len()];
            for i in 0..output.view.shape.len() {
                if let Some(at) = output.view.element(i) {
                    place[at] = Some(i as u32);
                }
            }
            IoTensor {
                name: output.name.clone(),
                shape: output.view.shape.clone(),
                scale: stored.scale,
                bits: value_bits(program, output.view.tensor),
                tensor: output.view.tensor,
                digits: digits(output.view.tensor, &|e| place[e as usize]),
            }
        })
        .collect();
    IoSchema { input_visibility, inputs, outputs }
}

/// Range of what a tensor publishes: its table's values may be wider than its argument.
fn value_bits(program: &Program, tensor: TensorId) -> Bits {
    let stored = &program.tensors[tensor.0];
    let table = match &stored.step {
        Step::Affine(affine) => affine.table,
        _ => None,
    };
    match table.and_then(|t| program.tables.get(t.0)) {
        None => stored.bits,
        Some(table) => {
            let fits = |bits: &Bits| table.fits(*bits);
            // `Program::check` refuses a public table of more than 16 bits.
            (1..=Bits::MAX).filter_map(Bits::new).find(fits).unwrap_or(Bits::WIDEST)
        }
    }
}
