//! Rules of Ethereum that change what a verification costs.

/// Rules of a hard fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fork {
    /// March 2024. The contracts need its `MCOPY`.
    Cancun,
    /// May 2025: a floor under calldata-heavy transactions (EIP-7623).
    Prague,
    /// December 2025: dearer modular exponentiation (EIP-7883).
    Osaka,
}

impl Fork {
    /// All forks the verifiers are tested on.
    pub const ALL: [Self; 3] = [Self::Cancun, Self::Prague, Self::Osaka];
}

impl std::fmt::Display for Fork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}
