//! A look at the wire format before it is decoded.
//!
//! An empty message takes two bytes in a file and a few hundred when decoded. Before the decoder
//! allocates, this walk counts the messages that the schema nests, and refuses files that consist
//! of little else. It follows fields that hold messages or repeated byte strings, by number; what
//! is malformed is left to the decoder to report.

use super::ImportError;

/// Messages that any file may hold.
const BASE: usize = 1 << 18;

/// Bytes per message beyond those; real nodes, tensors and values take more.
const BYTES_PER_MESSAGE: usize = 16;

/// Deepest nesting followed: that at which the decoder gives up.
const MAX_DEPTH: usize = 100;

/// A message of the schema, as far as its nested messages go.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    ValueInfo,
    Type,
    /// A tensor, sequence or optional type: an element type or a shape within.
    InnerType,
    Map,
    Shape,
    Function,
    Training,
    Annotation,
    /// Configuration of devices, of the model and of nodes.
    Configuration,
    Device,
    Sharding,
    ShardedDim,
    /// A string, or a message without messages and lists of strings.
    Leaf,
}

impl Kind {
    /// The message or string in field `number`; `None` for numbers and raw data.
    fn field(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Training, 1 | 2) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Model, 8 | 14) | (Self::Training, 3 | 4) => Self::Leaf,
            (Self::Model, 26) => Self::Configuration,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::Sparse, 1 | 2) => Self::Tensor,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::Sparse,
            (Self::Graph, 11..=13) | (Self::Function, 12) => Self::ValueInfo,
            (Self::Graph, 14) => Self::Annotation,
            (Self::Graph, 16) => Self::Leaf,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Node, 1 | 2 | 9) | (Self::Function, 4..=6 | 9 | 14) => Self::Leaf,
            (Self::Node, 10) => Self::Device,
            (Self::Attribute, 14 | 15) | (Self::ValueInfo, 2) => Self::Type,
            (Self::Attribute, 9) | (Self::Tensor, 6 | 13 | 16) | (Self::ValueInfo, 4) => Self::Leaf,
            (Self::Type, 5) => Self::Map,
            (Self::Type, 1 | 4 | 7..=9) => Self::InnerType,
            (Self::InnerType, 1) | (Self::Map, 2) => Self::Type,
            (Self::InnerType, 2) => Self::Shape,
            (Self::Device, 2) => Self::Sharding,
            (Self::Sharding, 4) => Self::ShardedDim,
            (Self::Shape, 1)
            | (Self::Annotation, 2)
            | (Self::Configuration, 3)
            | (Self::Sharding, 3)
            | (Self::ShardedDim, 2) => Self::Leaf,
            _ => return None,
        })
    }
}

/// Counts the messages of a model, and refuses too many.
pub(super) fn check(bytes: &[u8]) -> Result<(), ImportError> {
    let limit = BASE + bytes.len() / BYTES_PER_MESSAGE;
    let mut left = limit;
    // Messages still to walk; a stack of its own, so that nesting costs no call stack.
    let mut stack = vec![(Kind::Model, bytes, 0usize)];
    while let Some((kind, mut rest, depth)) = stack.pop() {
        while let Some((number, body)) = next_field(&mut rest) {
            let Some((inner, body)) = kind.field(number).zip(body) else { continue };
            left = left.checked_sub(1).ok_or(ImportError::TooManyMessages { limit })?;
            if depth < MAX_DEPTH {
                stack.push((inner, body, depth + 1));
            }
        }
    }
    Ok(())
}

/// Takes a field: its number and, for one with a length, its bytes. `None` at the end or where the
/// bytes are malformed.
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let body = match key & 7 {
        0 => {
            varint(rest)?;
            None
        }
        1 => {
            *rest = rest.get(8..)?;
            None
        }
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (body, after) = rest.split_at_checked(length)?;
            *rest = after;
            Some(body)
        }
        5 => {
            *rest = rest.get(4..)?;
            None
        }
        _ => return None, // groups are not in the schema; the decoder skips or refuses them
    };
    Some((key >> 3, body))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn many_empty_messages_are_refused() {
        for (number, wrap) in [(1, None), (5, None), (11, None), (1, Some(1)), (9, Some(1))] {
            // So many empty fields in a graph, or in a node of one.
            let many = field(number, &[]).repeat(400_000);
            let graph = wrap.map_or(many.clone(), |outer| field(outer, &many));
            let error = check(&field(7, &graph)).expect_err("too many");
            assert!(matches!(error, ImportError::TooManyMessages { .. }), "{error}");
        }
        // Raw data of any content is not messages.
        let raw = field(9, &field(1, &[]).repeat(400_000));
        check(&field(7, &field(5, &raw))).expect("one tensor");
    }

    #[test]
    fn malformed_bytes_are_left_to_the_decoder() {
        for bytes in [&[0x3a][..], &[0x3a, 0xff], &[0xff; 20], &[0x3a, 5, 1], &[0x3b], &[0x3d, 1]] {
            check(bytes).expect("not counted");
        }
    }
}
