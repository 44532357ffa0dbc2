// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IZkmlVerifier} from "../IZkmlVerifier.sol";

/// @title Many proofs, one pairing
/// @notice Verifies proofs of one reference string together, of one verifier or of several. Cheaper by a
/// pairing less four curve operations for each proof after the first.
/// @dev A proof is reduced by its verifier to two points with `e(lhs, [1]_2) = e(rhs, [s]_2)` if it is
/// valid. The equations are summed with powers of a challenge that hashes all statements and all points;
/// if one of `n` does not hold, the sum holds for at most `n - 1` of about 2^254 challenges. Points that
/// are not on the curve are refused by the precompiles.
/// Nothing here knows which verifiers to trust: name those of your registry. One that lies can vouch for its
/// own statements only.
contract BatchVerifier {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    bytes32 private constant DOMAIN = keccak256("zkml-batch-v1");

    /// @dev -[1]_2, x.im, x.re, y.im, y.re.
    uint256 private constant G2_X_IM = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
    uint256 private constant G2_X_RE = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;
    uint256 private constant G2_Y_IM = 0x275dc4a288d1afb3cbb1ac09187524c7db36395df7be3b99e673b13a075a65ec;
    uint256 private constant G2_Y_RE = 0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d;

    /// @notice A batch of nothing proves nothing.
    error EmptyBatch();
    /// @notice The lists have different lengths.
    error LengthMismatch();
    /// @notice Verifier `index` uses another reference string than the first, or a degenerate one.
    error OtherSrs(uint256 index);
    /// @notice At least one of the proofs is not valid, or a verifier returned what is no point.
    error InvalidBatch();

    /// @notice Returns if all proofs are valid; reverts otherwise, with a verifier's error if a proof is
    /// malformed.
    /// @param verifiers A verifier for each proof; they must share the reference string.
    /// @param proofs The proofs.
    /// @param instances The public words of each.
    function verifyBatch(
        IZkmlVerifier[] calldata verifiers,
        bytes[] calldata proofs,
        uint256[][] calldata instances
    ) external view {
        uint256 n = verifiers.length;
        if (n == 0) revert EmptyBatch();
        if (proofs.length != n || instances.length != n) revert LengthMismatch();
        uint256[4] memory sG2 = _srs(verifiers);
        uint256[4][] memory points = new uint256[4][](n);
        bytes32[] memory statements = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            uint256[4] memory pair = points[i];
            (pair[0], pair[1], pair[2], pair[3]) = verifiers[i].accumulate(proofs[i], instances[i]);
            statements[i] = keccak256(abi.encode(verifiers[i], instances[i]));
        }
        // In 1 .. R: never 0, which would drop all but the first.
        uint256 challenge =
            uint256(keccak256(abi.encode(DOMAIN, sG2, statements, points))) % (R - 1) + 1;
        if (!_check(points, challenge, sG2)) revert InvalidBatch();
    }

    function _srs(IZkmlVerifier[] calldata verifiers)
        private
        view
        returns (uint256[4] memory sG2)
    {
        sG2 = verifiers[0].srsG2();
        // With the identity every proof would be valid.
        if (sG2[0] | sG2[1] | sG2[2] | sG2[3] == 0) revert OtherSrs(0);
        for (uint256 i = 1; i < verifiers.length; ++i) {
            if (address(verifiers[i]) == address(verifiers[i - 1])) continue;
            uint256[4] memory other = verifiers[i].srsG2();
            if (
                other[0] != sG2[0] || other[1] != sG2[1] || other[2] != sG2[2] || other[3] != sG2[3]
            ) revert OtherSrs(i);
        }
    }

    /// @dev Horner's rule on both sides, then the pairing.
    function _check(uint256[4][] memory points, uint256 challenge, uint256[4] memory sG2)
        private
        view
        returns (bool ok)
    {
        uint256 i = points.length - 1;
        // lhs, -[1]_2, rhs, [s]_2: what the pairing takes.
        uint256[12] memory io = [
            points[i][0],
            points[i][1],
            G2_X_IM,
            G2_X_RE,
            G2_Y_IM,
            G2_Y_RE,
            points[i][2],
            points[i][3],
            sG2[0],
            sG2[1],
            sG2[2],
            sG2[3]
        ];
        while (i > 0) {
            --i;
            // At the first failure: a precompile that fails has eaten what gas it was given.
            if (!_step(io, 0, points[i], 0, challenge)) return false;
            if (!_step(io, 6, points[i], 2, challenge)) return false;
        }
        uint256[1] memory result;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 0x08, io, 0x180, result, 0x20)
        }
        return ok && result[0] == 1;
    }

    /// @dev The point at `io[to]` becomes `challenge` times itself plus the point at `pair[from]`.
    function _step(
        uint256[12] memory io,
        uint256 to,
        uint256[4] memory pair,
        uint256 from,
        uint256 challenge
    ) private view returns (bool ok) {
        uint256[4] memory scratch = [io[to], io[to + 1], challenge, 0];
        assembly ("memory-safe") {
            ok := staticcall(gas(), 0x07, scratch, 0x60, scratch, 0x40)
        }
        (scratch[2], scratch[3]) = (pair[from], pair[from + 1]);
        assembly ("memory-safe") {
            if ok { ok := staticcall(gas(), 0x06, scratch, 0x80, scratch, 0x40) }
        }
        (io[to], io[to + 1]) = (scratch[0], scratch[1]);
    }
}
