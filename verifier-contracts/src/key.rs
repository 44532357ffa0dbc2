//! A verifying key as a data contract: words laid out as [`KeyLayout`](crate::layout::KeyLayout) says, behind a zero byte.

use crate::{error::ContractError, layout::Layout};
use ff::{Field, PrimeField};
use halo2curves::{
    CurveAffine,
    bn256::{Fr, G1Affine, G2Affine},
};
use sha3::{Digest, Keccak256};
use zkml_circuits::plonk::{InstanceLayout, MAX_K, VerifyingKey};

/// The words of a key's data contract, without the leading zero byte.
///
/// # Errors
/// [`ContractError::Key`] when the key's sizes are not the protocol's.
pub fn key_words(key: &VerifyingKey) -> Result<Vec<[u8; 32]>, ContractError> {
    let protocol = key.protocol();
    let layout = Layout::new(protocol)?;
    check(&layout, key)?;
    let InstanceLayout { words: count, stride } = key.instance_layout();
    let omega = domain_generator(key.k());
    let power = |rotation: i64| {
        let n = 1i64 << key.k();
        omega.pow_vartime([rotation.rem_euclid(n).unsigned_abs()])
    };

    let mut words = vec![
        key.digest(),
        scalar(key.transcript_repr()),
        scalar(Fr::from(u64::from(key.k()))),
        scalar(Fr::from(count as u64)),
        scalar(Fr::from(stride as u64)),
        scalar(power(-1)),
        scalar(power(-(stride as i64))),
        scalar(Fr::TWO_INV.pow_vartime([u64::from(key.k())])),
        scalar(power(protocol.blinding as i64 + 1)),
    ];
    debug_assert_eq!(words.len(), layout.key.points);
    words.extend(layout.opening.rotations.iter().map(|r| scalar(power(i64::from(*r)))));
    for set in layout.opening.sets.iter().filter(|s| s.rotations.len() > 1) {
        let points: Vec<Fr> = set.rotations.iter().map(|r| power(i64::from(*r))).collect();
        words.extend(barycentric_weights(&points)?.into_iter().map(scalar));
    }
    for point in key.fixed_commitments().iter().chain(key.permutation_commitments()) {
        words.extend(point_words(point));
    }
    debug_assert_eq!(words.len(), layout.key.words);
    Ok(words)
}

/// The code of a key's data contract: a zero byte (`STOP`, so it can never run) and the words.
///
/// # Errors
/// Those of [`key_words`].
pub fn key_code(key: &VerifyingKey) -> Result<Vec<u8>, ContractError> {
    let mut code = vec![0];
    code.extend(key_words(key)?.concat());
    Ok(code)
}

/// Initialisation code that deploys `code` as it is.
///
/// # Errors
/// [`ContractError::Key`] when the code is longer than a contract may be.
pub fn deploy_code(code: &[u8]) -> Result<Vec<u8>, ContractError> {
    let length = u16::try_from(code.len()).ok().filter(|l| *l <= MAX_CODE).ok_or_else(|| {
        ContractError::Key {
            what: "bytes of the data contract",
            expected: format!("at most {MAX_CODE}"),
            got: code.len().to_string(),
        }
    })?;
    let [high, low] = length.to_be_bytes();
    // PUSH2 length | DUP1 | PUSH1 10 | PUSH0 | CODECOPY | PUSH0 | RETURN
    let mut init = vec![0x61, high, low, 0x80, 0x60, 10, 0x5f, 0x39, 0x5f, 0xf3];
    init.extend_from_slice(code);
    Ok(init)
}

/// Longest code of a contract (EIP-170).
pub const MAX_CODE: u16 = 24_576;

/// keccak-256.
#[must_use]
pub fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// `[s]_2` in the order of the pairing precompile: x.im, x.re, y.im, y.re. The identity is zeros.
#[must_use]
pub fn g2_words(point: &G2Affine) -> [[u8; 32]; 4] {
    let zero = [0; 32];
    Option::from(point.coordinates()).map_or([zero; 4], |c: halo2curves::Coordinates<G2Affine>| {
        [c.x().c1, c.x().c0, c.y().c1, c.y().c0].map(big_endian)
    })
}

/// What the contract relies on beyond what every key satisfies.
fn check(layout: &Layout, key: &VerifyingKey) -> Result<(), ContractError> {
    let min_k = layout.min_k(key.protocol());
    if key.k() < min_k || key.k() > MAX_K {
        return Err(ContractError::Key {
            what: "k",
            expected: format!("{min_k} to {MAX_K}"),
            got: key.k().to_string(),
        });
    }
    if key.g2() != G2Affine::generator() {
        let [expected, got] = [G2Affine::generator(), key.g2()]
            .map(|p| format!("0x{}", hex::encode(g2_words(&p).concat())));
        return Err(ContractError::Key { what: "[1]_2", expected, got });
    }
    let n = 1usize << key.k();
    let stride = key.instance_layout().stride;
    if stride == 0 || stride >= n {
        return Err(ContractError::Key {
            what: "rows between public words",
            expected: format!("1 to {}", n - 1),
            got: stride.to_string(),
        });
    }
    Ok(())
}

/// `1 / prod_{k != j} (p_j - p_k)` for each point.
fn barycentric_weights(points: &[Fr]) -> Result<Vec<Fr>, ContractError> {
    let weight = |(j, p): (usize, &Fr)| {
        let others = points.iter().enumerate().filter(|(k, _)| *k != j);
        let product: Fr = others.map(|(_, q)| p - q).product();
        Option::from(product.invert())
            .ok_or_else(|| ContractError::Protocol("two rotations meet in this domain".to_owned()))
    };
    points.iter().enumerate().map(weight).collect()
}

fn domain_generator(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |w, _| w.square())
}

fn scalar(c: Fr) -> [u8; 32] {
    big_endian(c)
}

fn big_endian<F: PrimeField<Repr: Into<[u8; 32]>>>(c: F) -> [u8; 32] {
    let mut bytes: [u8; 32] = c.to_repr().into();
    bytes.reverse();
    bytes
}

/// `x, y`; the identity (an all-zero column's commitment) as zeros, which the precompiles accept.
fn point_words(point: &G1Affine) -> [[u8; 32]; 2] {
    Option::from(point.coordinates())
        .map_or([[0; 32]; 2], |c: halo2curves::Coordinates<G1Affine>| {
            [*c.x(), *c.y()].map(big_endian)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generators_have_the_domain_as_order() {
        for k in [1, 5, 28] {
            let omega = domain_generator(k);
            assert_eq!(omega.pow_vartime([1u64 << k]), Fr::ONE);
            assert_ne!(omega.pow_vartime([1u64 << (k - 1)]), Fr::ONE);
        }
    }

    #[test]
    fn weights_interpolate() {
        // sum_j w_j p_j^i is 0 for i < m - 1 and 1 for i = m - 1.
        let points = [3, 7, 19, 100].map(Fr::from);
        let weights = barycentric_weights(&points).unwrap();
        let moment = |i: u64| -> Fr {
            points.iter().zip(&weights).map(|(p, w)| *w * p.pow_vartime([i])).sum()
        };
        assert_eq!([0, 1, 2, 3].map(moment), [Fr::ZERO, Fr::ZERO, Fr::ZERO, Fr::ONE]);
        assert!(barycentric_weights(&[Fr::ONE, Fr::ONE]).is_err());
    }
}
