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

/// A stored tensor in the lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
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
