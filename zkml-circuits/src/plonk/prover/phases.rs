//! Round 1: advice columns and their challenges.

use halo2curves::bn256::Fr;
use rand_core::RngCore;
use zkml_core::{
    progress::{Progress, stage},
    proving::Scalars,
};

use super::commit::Committer;
use super::witness::{Column, PhaseWitness, columns_of_phase};
use super::{ProveError, stages};
use crate::plonk::keys::ProvingKey;
use crate::plonk::transcript::KeccakWrite;

/// For each phase, commits its columns and draws its challenges. Returns the columns and the
/// challenges, each in the order of their indices.
pub(super) fn commit(
    key: &ProvingKey,
    committer: &Committer<'_>,
    witness: &mut dyn PhaseWitness,
    transcript: &mut KeccakWrite,
    rng: &mut dyn RngCore,
    progress: &dyn Progress,
) -> Result<(Vec<Column>, Vec<Fr>), ProveError> {
    let (protocol, k) = (key.verifying_key().protocol(), key.verifying_key().k());
    let mut columns: Vec<Option<Column>> = vec![None; protocol.advice_phase.len()];
    let mut challenges: Vec<Option<Fr>> = vec![None; protocol.challenge_phase.len()];
    for phase in 0..protocol.num_phases() {
        let of_phase = stage(progress, stages::witness(phase), || {
            columns_of_phase(protocol, k, phase, &challenges, witness, rng)
        })?;
        if phase + 1 == protocol.num_phases() {
            witness.done();
        }
        let scalars: Vec<Scalars<'_>> = of_phase.iter().map(|(_, c)| c.scalars()).collect();
        stage(progress, stages::commit(phase), || committer.write_values(&scalars, transcript))?;
        for (index, column) in of_phase {
            columns[index] = Some(column.keep());
        }
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
