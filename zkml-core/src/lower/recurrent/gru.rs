//! GRU, gates `z r h`. With `linear_before_reset = 0` and 1:
//!
//! ```text
//! z  = f(x W_z^T + h R_z^T + b_z)                  r the same
//! n  = g(x W_h^T + (r h) R_h^T + b_h)              0
//! n  = g(x W_h^T + r (h R_h^T + b_Rh) + b_Wh)      1
//! h' = (1 - z) n + z h = n + z (h - n)
//! ```

use std::ops::Range;

use super::cell::{Block, Cell, Direction, State};
use crate::{
    ir::{Op, ValueId},
    lower::site::{Halt, Site},
};

type Result<T> = std::result::Result<T, Halt>;

pub(super) struct Gru {
    /// `z` and `r`.
    gates: Block,
    new: Block,
    /// `b_Rh`, with `linear_before_reset`.
    late: Option<ValueId>,
    linear_first: bool,
}

impl Cell for Gru {
    const GATES: usize = 3;
    const STATES: usize = 1;
    const DEFAULTS: &'static [&'static str] = &["Sigmoid", "Tanh"];

    fn late_bias(site: &Site<'_>) -> Result<Range<usize>> {
        Ok(if linear_first(site)? { 2..3 } else { 0..0 })
    }

    fn new(site: &mut Site<'_>, direction: &Direction<'_>) -> Result<Self> {
        let linear_first = linear_first(site)?;
        Ok(Self {
            gates: direction.recurrent(site, 0..2, "zr")?,
            new: direction.recurrent(site, 2..3, "n")?,
            late: if linear_first { direction.bias_of(site, 2)? } else { None },
            linear_first,
        })
    }

    fn step(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        time: usize,
        state: State,
    ) -> Result<State> {
        let name = |part: &str| direction.at(time, part);
        let both = self.gates.linear(site, direction, (time, state.h))?;
        let both = direction.function(0).of(site, both, &name("zr"))?;
        let z = direction.gate(site, (both, 0), &name("z"))?;
        let r = direction.gate(site, (both, 1), &name("r"))?;
        let mut n = self.new.of_input(site, direction, time)?;
        if let Some(recurrent) = self.reset(site, direction, (time, state.h), r)? {
            n = site.push(Op::Add, vec![n, recurrent], &name("n_z"))?;
        }
        let n = direction.function(1).of(site, n, &name("n"))?;
        let h = match state.h {
            Some(h) => {
                let step = site.push(Op::Sub, vec![h, n], &name("step"))?;
                let kept = site.push(Op::Mul, vec![z, step], &name("kept"))?;
                site.push(Op::Add, vec![n, kept], &name("h"))?
            }
            None => {
                let rest = site.complement(z, &name("rest"))?;
                site.push(Op::Mul, vec![rest, n], &name("h"))?
            }
        };
        Ok(State { h: Some(h), c: None })
    }
}

impl Gru {
    /// What the new state gets of the old one; none is 0.
    fn reset(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        (time, h): (usize, Option<ValueId>),
        r: ValueId,
    ) -> Result<Option<ValueId>> {
        let name = |part: &str| direction.at(time, part);
        if !self.linear_first {
            let Some(h) = h else { return Ok(None) };
            let kept = site.push(Op::Mul, vec![r, h], &name("rh"))?;
            return self.new.of_state(site, direction, (time, kept)).map(Some);
        }
        let linear = match h {
            Some(h) => Some(self.new.of_state(site, direction, (time, h))?),
            None => None,
        };
        let linear = match (linear, self.late) {
            (Some(linear), Some(late)) => {
                Some(site.push(Op::Add, vec![linear, late], &name("n_hb"))?)
            }
            (linear, late) => linear.or(late),
        };
        linear.map(|linear| site.push(Op::Mul, vec![r, linear], &name("rhb"))).transpose()
    }
}

fn linear_first(site: &Site<'_>) -> Result<bool> {
    site.flag("linear_before_reset", false)
}
