//! Round 1: advice columns and their challenges.

use halo2curves::bn256::Fr;
use rand_core::RngCore;
use zkml_core::{
    progress::{Progress, stage},
    proving::Scalars,
};

use super::commit::Committer;
use super::witness::{Blinded, Column, PhaseWitness, columns_of_phase};
use super::{ProveError, stages};
use crate::plonk::keys::ProvingKey;
use crate::plonk::transcript::KeccakWrite;

/// Computed columns that are committed at a time, if there are no more threads.
const COMPUTED: usize = 2;

/// For each phase, commits its columns and draws its challenges. Returns the columns and the
/// challenges, each in the order of their indices.
pub(super) fn commit<'w>(
    key: &ProvingKey,
    committer: &Committer<'_>,
    witness: &mut dyn PhaseWitness<'w>,
    transcript: &mut KeccakWrite,
    rng: &mut dyn RngCore,
    progress: &dyn Progress,
) -> Result<(Vec<Column<'w>>, Vec<Fr>), ProveError> {
    let (protocol, k) = (key.verifying_key().protocol(), key.verifying_key().k());
    let mut columns: Vec<Option<Column<'w>>> = vec![None; protocol.advice_phase.len()];
    let mut challenges: Vec<Option<Fr>> = vec![None; protocol.challenge_phase.len()];
    for phase in 0..protocol.num_phases() {
        let of_phase = stage(progress, stages::witness(phase), || {
            columns_of_phase(protocol, k, phase, &challenges, witness, rng)
        })?;
        if phase + 1 == protocol.num_phases() {
            witness.done();
        }
        stage(progress, stages::commit(phase), || {
            for batch in batches(of_phase) {
                for (index, column) in commit_batch(key, committer, batch, transcript)? {
                    columns[index] = Some(column);
                }
            }
            Ok::<_, ProveError>(())
        })?;
        for (challenge, of) in challenges.iter_mut().zip(&protocol.challenge_phase) {
            if *of == phase {
                *challenge = Some(transcript.challenge());
            }
        }
    }
    let columns = columns.into_iter().map(|c| c.expect("every column has a phase")).collect();
    // halo2 lets no challenge follow a phase without columns.
    let challenges = challenges.into_iter().map(|c| c.expect("every challenge is drawn")).collect();
    Ok((columns, challenges))
}

/// Columns and their indices.
type Batch<'w> = Vec<(usize, Blinded<'w>)>;

/// Columns a few computed ones at a time, whose values there must be.
fn batches(columns: Batch<'_>) -> Vec<Batch<'_>> {
    let most = COMPUTED.max(rayon::current_num_threads());
    let (mut batches, mut computed) = (vec![Vec::new()], 0);
    for (index, column) in columns {
        if matches!(column, Blinded::Computed(_)) {
            if computed == most {
                batches.push(Vec::new());
                computed = 0;
            }
            computed += 1;
        }
        batches.last_mut().expect("one at least").push((index, column));
    }
    batches
}

/// Commits columns, and gives them as they are kept.
fn commit_batch<'w>(
    key: &ProvingKey,
    committer: &Committer<'_>,
    batch: Batch<'w>,
    transcript: &mut KeccakWrite,
) -> Result<Vec<(usize, Column<'w>)>, ProveError> {
    let computed = |(_, column): &(usize, Blinded<'w>)| match column {
        Blinded::Computed(column) => Some(column.elements()),
        _ => None,
    };
    let computed: Vec<Option<Vec<Fr>>> = batch.iter().map(computed).collect();
    let with_values = batch.iter().zip(&computed);
    let scalars: Vec<Scalars<'_>> =
        with_values.map(|((_, column), values)| column.scalars(values.as_deref())).collect();
    committer.write_values(&scalars, transcript)?;
    let keep = |((index, column), computed): ((usize, Blinded<'w>), Option<Vec<Fr>>)| {
        let kept = match computed {
            Some(values) if key.constraints().keeps_computed() => Column::Full(values),
            _ => column.keep(),
        };
        (index, kept)
    };
    Ok(batch.into_iter().zip(computed).map(keep).collect())
}
