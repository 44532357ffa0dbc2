//! Lies about one element of a run, with all that follows computed from it as the program says.
//!
//! Such a lie breaks the definition of that element and nothing else: whatever accepts it does not
//! bind the element.

use zkml_core::{
    exec::integer::{Cells, Trace, run},
    program::{Bits, InputDecl, InputKind, Program, Step, TensorId, Term},
    tensor::Tensor,
};

/// The cells of one element: `x`, `r`, and `y` if the tensor has a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lie {
    pub(crate) tensor: TensorId,
    pub(crate) element: usize,
    pub(crate) x: i32,
    pub(crate) r: i32,
    pub(crate) y: Option<i32>,
}

impl Lie {
    /// `x + dx` with the remainder as it is and the function's value there; none beyond the range.
    pub(crate) fn step(
        program: &Program,
        trace: &Trace,
        tensor: TensorId,
        element: usize,
        dx: i32,
    ) -> Option<Self> {
        let (stored, cells) = (&program.tensors[tensor.0], &trace.tensors[tensor.0]);
        let x = cells.x[element] + dx;
        let table = match &stored.step {
            Step::Affine(affine) => affine.table.map(|t| &program.tables[t.0]),
            _ => None,
        };
        if !stored.bits.contains(x.into()) {
            return None;
        }
        let y = match table {
            // Tables hold values of 32 bits.
            Some(table) => Some(table.get(x.into())? as i32),
            None => None,
        };
        Some(Self { tensor, element, x, r: cells.r.get(element).copied().unwrap_or(0), y })
    }

    /// The element as it is, but for the remainder, moved by `dr`, and `x`, by `dx`.
    pub(crate) fn shifted(self, dx: i32, dr: i32) -> Self {
        Self { x: self.x + dx, r: self.r + dr, ..self }
    }

    /// The run after the lie: later tensors are computed from it. None if one leaves its range.
    pub(crate) fn carried(self, program: &Program, trace: &Trace) -> Option<Trace> {
        let at = self.tensor.0;
        let mut lied = trace.clone();
        self.put(&mut lied.tensors[at]);
        let reads = |step: &Step| match step {
            Step::Affine(affine) => {
                affine.terms.iter().flat_map(Term::views).any(|view| view.tensor == self.tensor)
            }
            _ => false,
        };
        if !program.tensors.iter().any(|t| reads(&t.step)) {
            return Some(lied);
        }
        // The rest of the program, with this tensor given.
        let mut rest = program.clone();
        rest.tensors[at].step = Step::Input(rest.inputs.len());
        rest.tensors[at].bits = Bits::new(Bits::MAX).expect("the widest");
        rest.inputs.push(InputDecl {
            name: "lie".into(),
            tensor: self.tensor,
            kind: InputKind::Real,
        });
        rest.outputs.retain(|o| o.view.tensor != self.tensor);
        let inputs: Vec<Tensor<i64>> = rest
            .inputs
            .iter()
            .map(|input| {
                let values = lied.tensors[input.tensor.0].values();
                let data = values.iter().map(|v| i64::from(*v)).collect();
                let shape = rest.tensors[input.tensor.0].shape.clone();
                Tensor::new(shape, data).expect("as many as the shape")
            })
            .collect();
        let mut after = run(&rest, &inputs).ok()?;
        after.tensors[at] = lied.tensors[at].clone();
        Some(after)
    }

    fn put(self, cells: &mut Cells) {
        cells.x[self.element] = self.x;
        if let Some(r) = cells.r.get_mut(self.element) {
            *r = self.r;
        }
        if let Some(y) = self.y {
            cells.y[self.element] = y;
        }
    }
}
