//! RNN: `h' = f(x W^T + h R^T + b)`.

use super::cell::{Block, Cell, Direction, State};
use crate::lower::site::{Halt, Site};

type Result<T> = std::result::Result<T, Halt>;

pub(super) struct Rnn {
    block: Block,
}

impl Cell for Rnn {
    const GATES: usize = 1;
    const STATES: usize = 1;
    const DEFAULTS: &'static [&'static str] = &["Tanh"];

    fn new(site: &mut Site<'_>, direction: &Direction<'_>) -> Result<Self> {
        Ok(Self { block: direction.recurrent(site, 0..1, "h")? })
    }

    fn step(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        time: usize,
        state: State,
    ) -> Result<State> {
        let z = self.block.linear(site, direction, (time, state.h))?;
        let h = direction.function(0).of(site, z, &direction.at(time, "h"))?;
        Ok(State { h: Some(h), c: None })
    }
}
