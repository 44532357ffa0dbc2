//! LSTM, gates `i o f g` (the last is the one that ONNX calls c), peepholes `P`:
//!
//! ```text
//! i = f(x W_i^T + h R_i^T + b_i + P_i c)        f the same, or 1 - i with `input_forget`
//! g = g(x W_g^T + h R_g^T + b_g)
//! c' = f c + i g
//! o = f(x W_o^T + h R_o^T + b_o + P_o c')
//! h' = o h(c')
//! ```

use super::cell::{Block, Cell, Direction, State};
use crate::{
    ir::{Op, ValueId},
    lower::site::{Halt, Site},
};

type Result<T> = std::result::Result<T, Halt>;

/// Gates of the function `f`, in the order of ONNX.
const NAMES: [&str; 3] = ["i", "o", "f"];

pub(super) struct Lstm {
    /// All of [`NAMES`] together, or with peepholes each apart.
    gates: Vec<Block>,
    /// Weights for `c` by gate; none without peepholes.
    peepholes: Vec<ValueId>,
    new: Block,
    /// `f = 1 - i`.
    coupled: bool,
}

impl Cell for Lstm {
    const GATES: usize = 4;
    const STATES: usize = 2;
    const DEFAULTS: &'static [&'static str] = &["Sigmoid", "Tanh", "Tanh"];

    fn new(site: &mut Site<'_>, direction: &Direction<'_>) -> Result<Self> {
        let (mut gates, mut peepholes) = (Vec::new(), Vec::new());
        for (i, part) in NAMES.iter().enumerate() {
            if let Some(weights) = direction.peephole(site, i)? {
                peepholes.push(weights);
                gates.push(direction.recurrent(site, i..i + 1, part)?);
            }
        }
        if gates.is_empty() {
            gates.push(direction.recurrent(site, 0..3, "iof")?);
        }
        let new = direction.recurrent(site, 3..4, "g")?;
        Ok(Self { gates, peepholes, new, coupled: site.flag("input_forget", false)? })
    }

    fn step(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        time: usize,
        state: State,
    ) -> Result<State> {
        let name = |part: &str| direction.at(time, part);
        let now = Now { lstm: self, direction, time, h: state.h };
        let all = now.together(site)?;
        let z = self.new.linear(site, direction, (time, state.h))?;
        let g = direction.function(1).of(site, z, &name("g"))?;
        let i = now.gate(site, 0, (all, state.c))?;
        let mut c = site.push(Op::Mul, vec![i, g], &name("ig"))?;
        if let Some(before) = state.c {
            let f = if self.coupled {
                site.complement(i, &name("f"))?
            } else {
                now.gate(site, 2, (all, state.c))?
            };
            let kept = site.push(Op::Mul, vec![f, before], &name("fc"))?;
            c = site.push(Op::Add, vec![kept, c], &name("c"))?;
        }
        let o = now.gate(site, 1, (all, Some(c)))?;
        let shown = direction.function(2).unclipped(site, c, &name("hc"))?;
        let h = site.push(Op::Mul, vec![o, shown], &name("h"))?;
        Ok(State { h: Some(h), c: Some(c) })
    }
}

/// A step of a cell.
struct Now<'s> {
    lstm: &'s Lstm,
    direction: &'s Direction<'s>,
    time: usize,
    h: Option<ValueId>,
}

impl Now<'_> {
    /// All gates, if they are computed together.
    fn together(&self, site: &mut Site<'_>) -> Result<Option<ValueId>> {
        match self.lstm.gates.as_slice() {
            [all] => {
                let z = all.linear(site, self.direction, (self.time, self.h))?;
                let name = self.direction.at(self.time, "iof");
                self.direction.function(0).of(site, z, &name).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Gate number `i` of [`NAMES`]: of all of them, or with a peephole to `c`.
    fn gate(
        &self,
        site: &mut Site<'_>,
        i: usize,
        (all, c): (Option<ValueId>, Option<ValueId>),
    ) -> Result<ValueId> {
        let name = |part: &str| self.direction.at(self.time, &format!("{}{part}", NAMES[i]));
        if let Some(all) = all {
            return self.direction.gate(site, (all, i), &name(""));
        }
        let mut z = self.lstm.gates[i].linear(site, self.direction, (self.time, self.h))?;
        if let Some(c) = c {
            let seen = site.push(Op::Mul, vec![c, self.lstm.peepholes[i]], &name("_p"))?;
            z = site.push(Op::Add, vec![z, seen], &name("_zp"))?;
        }
        self.direction.function(0).of(site, z, &name(""))
    }
}
