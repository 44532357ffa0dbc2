//! Layouts in words and numbers: what the plan search chose for every tensor.

use super::{Arrangement, Plan};
use serde::{Deserialize, Serialize};
use std::fmt;
use zkml_core::program::Program;

/// Where one stored tensor stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutSummary {
    /// The node it stands for.
    pub node: String,
    /// Batch, channels, height, width.
    pub image: [usize; 4],
    /// How it is cut into segments.
    pub arrangement: Arrangement,
    /// Number of segments.
    pub segments: usize,
    /// Groups it takes.
    pub groups: usize,
    /// Lanes of these groups that hold nothing: gaps, and ends of segments.
    pub empty: usize,
}

impl Plan {
    /// The layout of every tensor of `program`, the program of this plan, in its order.
    pub fn layout_summaries(&self, program: &Program) -> Vec<LayoutSummary> {
        let lanes = self.rows.profile.lanes();
        let summary = |(tensor, layout): (&zkml_core::program::StoredTensor, &super::Layout)| {
            let groups = layout.segments.iter().map(|s| s.slots.len().div_ceil(lanes)).sum();
            LayoutSummary {
                node: tensor.origin.node.clone(),
                image: layout.image,
                arrangement: layout.arrangement,
                segments: layout.segments.len(),
                groups,
                empty: groups * lanes - layout.cells(lanes).count(),
            }
        };
        program.tensors.iter().zip(&self.layouts).map(summary).collect()
    }
}

impl fmt::Display for LayoutSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [batch, channels, height, width] = self.image;
        write!(f, "`{}`: {batch} x {channels} channels of {height} x {width}, ", self.node)?;
        match self.arrangement {
            Arrangement::Frame(_) if height == 1 => write!(f, "a segment a channel")?,
            Arrangement::Frame(stride) => write!(f, "a segment a channel, rows {stride} apart")?,
            Arrangement::Rows { spacing: 1, piece } if piece >= width => {
                write!(f, "a segment an image row")?
            }
            Arrangement::Rows { spacing: 1, piece } => {
                write!(f, "a segment {piece} positions of an image row")?
            }
            Arrangement::Rows { spacing, .. } => {
                write!(f, "a segment an image row, positions {spacing} apart")?
            }
            Arrangement::Channels { chunk, .. } if chunk >= channels => {
                write!(f, "a segment the channels of a position")?
            }
            Arrangement::Channels { chunk, .. } => {
                write!(f, "a segment {chunk} channels of a position")?
            }
        }
        write!(
            f,
            "; {} segments in {} groups, {} lanes empty",
            self.segments, self.groups, self.empty
        )
    }
}
