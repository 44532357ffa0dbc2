//! What callers give a program: its inputs, those that are columns of one put together.

use super::{Columns, InputDecl, InputKind, Program};
use crate::tensor::Shape;

/// An input as a caller gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<'p> {
    /// ONNX name.
    pub name: &'p str,
    /// Shape.
    pub shape: Shape,
    /// Whether it takes whole numbers only.
    pub integer: bool,
    /// The inputs of the program that it fills: one, or one for each group of its columns.
    pub parts: &'p [InputDecl],
}

impl Program {
    /// What a caller gives, in ONNX order, of a program that passed [`Program::check`].
    pub fn given(&self) -> Vec<Given<'_>> {
        let shape = |decl: &InputDecl| self.tensors[decl.tensor.0].shape.clone();
        let given = |parts: &[InputDecl]| match &parts[0].kind {
            InputKind::Columns(Columns { width, .. }) => {
                let rows = shape(&parts[0]).dims()[0];
                // Checked: there are as many elements as the parts have.
                Shape::new(vec![rows, *width]).unwrap_or_else(|_| shape(&parts[0]))
            }
            _ => shape(&parts[0]),
        };
        self.input_parts()
            .map(|parts| Given {
                name: parts[0].given_name(),
                shape: given(parts),
                integer: parts[0].kind == InputKind::Whole,
                parts,
            })
            .collect()
    }

    /// Runs of inputs that are columns of one, and the others.
    fn input_parts(&self) -> impl Iterator<Item = &[InputDecl]> {
        let together = |a: &InputDecl, b: &InputDecl| {
            let columns = |decl: &InputDecl| matches!(decl.kind, InputKind::Columns(_));
            columns(a) && columns(b) && a.given_name() == b.given_name()
        };
        self.inputs.chunk_by(together)
    }

    /// Checks that columns of an input are all of its columns, each once, in tensors of two axes.
    pub(super) fn check_columns(&self) -> Result<(), String> {
        let mut names: Vec<&str> = Vec::new();
        for parts in self.input_parts() {
            let name = parts[0].given_name();
            if names.contains(&name) {
                return Err(format!("input `{name}` is there twice"));
            }
            names.push(name);
            let InputKind::Columns(Columns { width, .. }) = &parts[0].kind else { continue };
            let held: usize = parts.iter().map(|part| part.columns().len()).sum();
            let shape = |part: &InputDecl| self.tensors.get(part.tensor.0).map(|t| t.shape.dims());
            let rows = shape(&parts[0]).and_then(|dims| dims.first().copied()).unwrap_or(0);
            let mut seen = vec![false; held];
            for part in parts {
                let columns = part.columns();
                let whole = shape(part) == Some(&[rows, columns.len()]) && part.width() == *width;
                let new = columns.iter().all(|column| {
                    let seen = seen.get_mut(*column as usize);
                    seen.is_some_and(|seen| !std::mem::replace(seen, true))
                });
                if !whole || !new || held != *width || !columns.is_sorted() {
                    return Err(format!("the parts of input `{name}` are not its columns"));
                }
            }
            if Shape::new(vec![rows, *width]).is_err() {
                return Err(format!("input `{name}` is too large"));
            }
        }
        Ok(())
    }
}

impl InputDecl {
    /// The name that a caller knows.
    fn given_name(&self) -> &str {
        match &self.kind {
            InputKind::Columns(of) => &of.input,
            _ => &self.name,
        }
    }

    /// The columns that it holds; none if it is all of an input.
    pub(crate) fn columns(&self) -> &[u32] {
        match &self.kind {
            InputKind::Columns(of) => &of.columns,
            _ => &[],
        }
    }

    fn width(&self) -> usize {
        match &self.kind {
            InputKind::Columns(of) => of.width,
            _ => 0,
        }
    }
}

impl Columns {
    /// Longest list of columns in a name.
    const LONGEST: usize = 48;

    /// "x[0-2,7]"; what is longer is cut: the first column tells it from the others.
    pub fn name(&self) -> String {
        let mut list = String::new();
        for run in self.columns.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let run = match run {
                [one] => one.to_string(),
                [first, .., last] => format!("{first}-{last}"),
                [] => continue,
            };
            if list.len() + run.len() > Self::LONGEST {
                list.push_str(",..");
                break;
            }
            list.push_str(if list.is_empty() { "" } else { "," });
            list.push_str(&run);
        }
        format!("{}[{list}]", self.input)
    }
}
