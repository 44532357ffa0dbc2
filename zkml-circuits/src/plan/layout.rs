//! Where the elements of a stored tensor stand in the lanes.

use serde::{Deserialize, Serialize};

/// Elements by position; `None` is an empty position.
pub type Slots = Vec<Option<u32>>;

/// A run of positions, from lane 0 of its first group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// First group.
    pub group: usize,
    /// Stored elements by position.
    pub slots: Slots,
}

/// How a tensor, as images of channels, is cut into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrangement {
    /// A segment a channel, image rows this far apart.
    Frame(i64),
    /// A segment an image row of a channel, or a piece of one.
    Rows {
        /// Slots from element to element.
        spacing: usize,
        /// Elements of a segment at most.
        piece: usize,
    },
    /// A segment a position, or for every `chunk` channels of one; of every `lanes` slots the first
    /// `used` hold channels.
    Channels {
        /// Slots in use.
        used: usize,
        /// Of so many.
        lanes: usize,
        /// Channels of a segment at most.
        chunk: usize,
    },
}

/// Which arrangement images take where several would do. The search tries all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayoutPolicy {
    /// Frames unless their gaps take too many groups.
    #[default]
    Balanced,
    /// Frames unless they take more than four times the groups of rows: fewest vector rows.
    Frames,
    /// Image rows everywhere: no gaps.
    Rows,
}

impl LayoutPolicy {
    /// All policies.
    pub const ALL: [Self; 3] = [Self::Balanced, Self::Frames, Self::Rows];
}

/// A stored tensor in the lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The tensor as images: batch, channels, height, width.
    pub image: [usize; 4],
    /// How it is cut.
    pub arrangement: Arrangement,
    /// Its segments, in order of the axes they stand for.
    pub segments: Vec<Segment>,
}

impl Layout {
    /// Group and lane of every element, in no particular order.
    pub fn cells(&self, lanes: usize) -> impl Iterator<Item = (u32, usize, usize)> + '_ {
        self.segments.iter().flat_map(move |segment| {
            segment.slots.iter().enumerate().filter_map(move |(at, element)| {
                element.map(|e| (e, segment.group + at / lanes, at % lanes))
            })
        })
    }

    /// Segment and slot of every element.
    pub(super) fn places(&self, length: usize) -> Vec<(u32, u32)> {
        let mut places = vec![(0, 0); length];
        for (number, segment) in self.segments.iter().enumerate() {
            for (slot, element) in segment.slots.iter().enumerate() {
                if let Some(place) = element.and_then(|e| places.get_mut(e as usize)) {
                    // A machine has fewer than 2^26 rows and a tensor fewer than 2^28 elements.
                    *place = (number as u32, slot as u32);
                }
            }
        }
        places
    }
}
