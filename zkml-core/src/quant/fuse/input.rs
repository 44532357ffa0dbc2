//! The inputs of a program: those of the graph, or groups of their columns.

use super::{DraftStep, Fuser, Input, NewDraft, Symbol};
use crate::{
    ir::{Origin, ValueId},
    program::{Columns, InputKind, View},
    quant::{
        QuantError,
        columns::Group,
        form::{Form, FormTerm, Pending, gather_view},
    },
    tensor::Shape,
};
use std::collections::BTreeMap;

impl Fuser<'_> {
    pub(super) fn inputs(
        &mut self,
        splits: &BTreeMap<usize, Vec<Group>>,
    ) -> Result<(), QuantError> {
        for (i, id) in self.graph.inputs().iter().enumerate() {
            let value = self.graph.get(*id);
            let origin = Origin { node: value.name.clone(), op: "Input".into(), opset: 0 };
            if let Some(groups) = splits.get(&i) {
                self.split_input(*id, groups, &origin)?;
                continue;
            }
            let step = DraftStep::Input(self.inputs.len());
            let kind = if value.integer { InputKind::Whole } else { InputKind::Real };
            self.inputs.push(Input { name: value.name.clone(), kind });
            let draft = NewDraft::new(value.shape.clone(), step, (*id, *id), origin);
            let view = self.draft(draft)?;
            self.symbols[id.0] = Some(Symbol::Stored(view));
        }
        Ok(())
    }

    /// The input as a sum of its groups, each 0 in the columns of the others.
    fn split_input(
        &mut self,
        id: ValueId,
        groups: &[Group],
        origin: &Origin,
    ) -> Result<(), QuantError> {
        let value = self.graph.get(id);
        let (rows, width) = (value.shape.dims()[0], value.shape.dims()[1]);
        let mut terms = Vec::with_capacity(groups.len());
        for Group { columns, range } in groups {
            let of = Columns { input: value.name.clone(), width, columns: columns.clone() };
            let step = DraftStep::Input(self.inputs.len());
            self.inputs.push(Input { name: of.name(), kind: InputKind::Columns(of) });
            let shape = Shape::new(vec![rows, columns.len()]).map_err(|source| {
                QuantError::Unsupported { origin: origin.clone(), what: source.to_string() }
            })?;
            let draft = NewDraft::new(shape, step, (id, id), origin.clone());
            let view = self.draft(NewDraft { range: Some(*range), ..draft })?;
            let element = |e: usize| match columns.binary_search(&((e % width) as u32)) {
                // Elements of a tensor are fewer than 2^28.
                Ok(at) => (e / width * columns.len() + at) as u32,
                Err(_) => View::HOLE,
            };
            let map: Vec<u32> = (0..rows * width).map(element).collect();
            let view = gather_view(&view, value.shape.clone(), &map);
            terms.push(FormTerm::Scale { view, factor: vec![1.0] });
        }
        let form = Form::new(value.shape.clone(), terms);
        self.symbols[id.0] = Some(Symbol::Pending(Box::new(Pending::new(form, origin.clone()))));
        self.split.insert(id);
        Ok(())
    }
}
