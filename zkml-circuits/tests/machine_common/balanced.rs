//! Two false definitions of one equation that cancel at a challenge known beforehand.

use halo2curves::bn256::Fr;
use zkml_circuits::{
    plan::{Claim, Monomial},
    witness::signed,
};
use zkml_core::program::TensorId;

use super::{
    Breaks, Forgery, Lie, Subject, Verdict,
    forgeries::{RANDOM, table_and_shift},
};

/// Errors of two elements of a tensor, and where they cancel.
#[derive(Clone, Debug)]
pub(crate) struct Balanced {
    pub(crate) forgery: Forgery,
    /// `rho`, or `rho` and `lambda`.
    known: Vec<Fr>,
}

/// Elements `a` and `b` of an equation, `b` as far along one of the challenges.
struct Pair {
    elements: [u32; 2],
    distance: u32,
    along_lambda: bool,
}

impl Balanced {
    /// Two lies about a tensor, if an equation has two of its elements; rather such as change what later
    /// tensors read.
    pub(crate) fn about(subject: &Subject, tensor: TensorId) -> Option<Self> {
        let before = subject.trace.tensors[tensor.0].values();
        let mut silent = None;
        for pair in pairs(subject, tensor) {
            for (challenge, errors) in pair.errors() {
                for of in [Self::step, Self::remainder] {
                    let lie =
                        |at: usize| of(subject, tensor, pair.elements[at] as usize, errors[at]);
                    let Some(lies) = lie(0).zip(lie(1)) else { continue };
                    let forgery = Forgery::of(Breaks::Definition, vec![lies.0, lies.1]);
                    let Some(trace) = forgery.carried(subject) else { continue };
                    let unknown = pair.along_lambda.then(|| Fr::from(RANDOM));
                    let known = unknown.into_iter().chain([signed(challenge)]).collect();
                    let balanced = Self { forgery, known };
                    if trace.tensors[tensor.0].values() != before {
                        return Some(balanced);
                    }
                    silent.get_or_insert(balanced);
                }
            }
        }
        silent
    }

    /// An error of `x`, in steps of the accumulator.
    fn step(subject: &Subject, tensor: TensorId, element: usize, error: i32) -> Option<Lie> {
        let program = subject.key.compiled().program();
        Lie::step(program, &subject.trace, tensor, element, error)
    }

    /// An error of `r`.
    fn remainder(subject: &Subject, tensor: TensorId, element: usize, error: i32) -> Option<Lie> {
        let lie = Self::step(subject, tensor, element, 0)?.shifted(0, error);
        let (_, shift) = table_and_shift(subject.key.compiled().program(), tensor);
        (0..1 << shift).contains(&lie.r).then_some(lie)
    }

    /// That a prover gets away with it who knows the challenge, and only one who does.
    pub(crate) fn assert_hangs_on_its_challenge(&self, subject: &Subject, prove: bool) {
        let trace = self.forgery.carried(subject).expect("carried before");
        let (words, first) = self.forgery.first(subject, &trace);
        let at = |known: &[Fr]| {
            let mut witness = subject.with(first.clone());
            subject.report(&words, &mut witness, known).violations
        };
        assert_eq!(at(&self.known), [], "{self:?}");
        let mut another = self.known.clone();
        *another.last_mut().expect("a challenge") += Fr::from(5);
        assert_ne!(at(&another), [], "{self:?}");
        assert!(self.forgery.is_refused(subject));
        if prove {
            assert_eq!(subject.verdict_of(first), Verdict::Rejected, "{self:?}");
        }
    }
}

/// Pairs of elements of each equation that differ along one challenge.
fn pairs<'s>(subject: &'s Subject, tensor: TensorId) -> impl Iterator<Item = Pair> + 's {
    let claims = subject.plan().claims.iter().filter_map(move |claim| match claim {
        Claim::Step { tensor: of, elements } if *of == tensor => Some(elements),
        _ => None,
    });
    let pairs = |elements: &'s Vec<(u32, Monomial)>| {
        elements.iter().flat_map(move |a| elements.iter().map(move |b| (*a, *b)))
    };
    claims.flat_map(pairs).filter_map(|((a, at), (b, then))| {
        let along = (then.lambda.checked_sub(at.lambda)?, then.rho.checked_sub(at.rho)?);
        let (distance, along_lambda) = match along {
            (0, distance @ 1..) => (distance, false),
            (distance @ 1.., 0) => (distance, true),
            _ => return None,
        };
        Some(Pair { elements: [a, b], distance, along_lambda })
    })
}

impl Pair {
    /// Challenges, and errors that cancel there.
    fn errors(&self) -> impl Iterator<Item = (i64, [i32; 2])> + use<> {
        let distance = self.distance;
        [(2i64, 1), (2, -1), (-1, 1), (-1, -1)].into_iter().filter_map(move |(challenge, error)| {
            let ratio = challenge.checked_pow(distance).filter(|ratio| ratio.abs() < 64)?;
            Some((challenge, [-(ratio as i32) * error, error]))
        })
    }
}
