//! Yul expressions with what they cost.

use ff::PrimeField;
use halo2curves::bn256::Fr;

/// How many multiples of `r` fit a word.
pub(super) const WORD_BOUND: u32 = 5;

/// A Yul expression whose value is at most `bound * r`.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(super) op: Op,
    pub(super) bound: u32,
}

/// An operation; `Slot` is resolved to an address when slots are allocated.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// `mload(address)`.
    Load(usize),
    /// `mload(slot)`.
    Slot(usize),
    /// A constant.
    Constant(Fr),
    /// The modulus `r`.
    Modulus,
    /// `op(a, b)`, or `op(a, b, r)` for the modular operations.
    Binary(&'static str, Box<Code>, Box<Code>),
}

impl Code {
    pub(super) fn load(address: usize) -> Self {
        Self { op: Op::Load(address), bound: 1 }
    }

    pub(super) fn constant(c: Fr) -> Self {
        Self { op: Op::Constant(c), bound: 1 }
    }

    fn binary(name: &'static str, bound: u32, a: Self, b: Self) -> Self {
        // The EVM evaluates the second operand first: putting the deeper one there keeps the stack
        // shallow.
        let commutes = name != "sub" && name != "mod";
        let (a, b) = if commutes && a.depth() > b.depth() { (b, a) } else { (a, b) };
        Self { op: Op::Binary(name, Box::new(a), Box::new(b)), bound }
    }

    /// `a b mod r`.
    pub(super) fn mul(self, other: Self) -> Self {
        Self::binary("mulmod", 1, self, other)
    }

    /// `a + b`, reduced only if it might not fit.
    pub(super) fn add(self, other: Self) -> Self {
        let bound = self.bound + other.bound;
        if bound <= WORD_BOUND {
            Self::binary("add", bound, self, other)
        } else {
            Self::binary("addmod", 1, self, other)
        }
    }

    /// `c a` for a small `c`, not reduced, if it fits.
    pub(super) fn small_multiple(self, c: u32) -> Result<Self, Self> {
        match self.bound.checked_mul(c) {
            Some(bound) if bound <= WORD_BOUND => {
                Ok(Self::binary("mul", bound, self, Self::constant(Fr::from(u64::from(c)))))
            }
            _ => Err(self),
        }
    }

    /// `-a mod r`, up to `r` itself.
    pub(super) fn negate(self) -> Self {
        let modulus = Self { op: Op::Modulus, bound: 1 };
        let reduced = if self.bound == 1 { self } else { self.reduce() };
        Self::binary("sub", 1, modulus, reduced)
    }

    /// `a mod r`.
    pub(super) fn reduce(self) -> Self {
        let modulus = Self { op: Op::Modulus, bound: 1 };
        Self::binary("mod", 1, self, modulus)
    }

    /// Stack words the expression needs.
    pub(super) fn depth(&self) -> usize {
        match &self.op {
            Op::Binary(name, a, b) => {
                let base = usize::from(is_modular(name));
                (base + b.depth()).max(base + 1 + a.depth())
            }
            _ => 1,
        }
    }

    /// Gas of the opcodes.
    pub(super) fn gas(&self) -> u64 {
        match &self.op {
            Op::Load(_) | Op::Slot(_) => 6,
            Op::Constant(_) | Op::Modulus => 3,
            Op::Binary(name, a, b) => {
                let own = match *name {
                    "mulmod" | "addmod" => 8 + 3,
                    "mul" | "mod" => 5,
                    _ => 3,
                };
                own + a.gas() + b.gas()
            }
        }
    }

    /// Calls `f` on every slot read.
    pub(super) fn slots(&self, f: &mut impl FnMut(usize)) {
        match &self.op {
            Op::Slot(slot) => f(*slot),
            Op::Binary(_, a, b) => {
                a.slots(f);
                b.slots(f);
            }
            _ => {}
        }
    }

    /// Calls `f` on every constant.
    pub(super) fn constants_mut(&mut self, f: &mut impl FnMut(&mut Op)) {
        match &mut self.op {
            Op::Constant(_) => f(&mut self.op),
            Op::Binary(_, a, b) => {
                a.constants_mut(f);
                b.constants_mut(f);
            }
            _ => {}
        }
    }

    /// The source text, `slot(i)` being the address of slot `i`.
    pub(super) fn text(&self, slot: &impl Fn(usize) -> usize) -> String {
        match &self.op {
            Op::Load(address) => format!("mload({address:#x})"),
            Op::Slot(i) => format!("mload({:#x})", slot(*i)),
            Op::Constant(c) => literal(*c),
            Op::Modulus => "r".to_owned(),
            Op::Binary(name, a, b) => {
                let modulus = if is_modular(name) { ", r" } else { "" };
                format!("{name}({}, {}{modulus})", a.text(slot), b.text(slot))
            }
        }
    }
}

fn is_modular(name: &str) -> bool {
    matches!(name, "mulmod" | "addmod")
}

/// A field element as a Yul literal.
pub(crate) fn literal(c: Fr) -> String {
    let mut bytes = c.to_repr();
    bytes.as_mut().reverse();
    let digits = hex::encode(bytes);
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { "0".to_owned() } else { format!("0x{digits}") }
}

/// Bytes a literal takes in the code.
pub(super) fn literal_bytes(c: Fr) -> usize {
    let repr = c.to_repr();
    let bytes: &[u8] = repr.as_ref();
    bytes.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1)
}
