// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Verifier of zkml proofs for one model
/// @notice A proof says: the model of the verifying key in the data contract, run on some input, gives
/// these public words. What the words mean (inputs, outputs, packing, scales) is part of what the key's
/// digest binds.
interface IZkmlVerifier {
    /// @notice The calldata is not the canonical encoding of a proof and instances of this model's
    /// lengths.
    error BadLength();
    /// @notice Public word `index` is not below the scalar field's modulus.
    error InvalidInstance(uint256 index);
    /// @notice Some evaluation in the proof is not below the scalar field's modulus.
    error InvalidScalar();
    /// @notice Some point in the proof is not a point of the curve other than the identity.
    error InvalidPoint();
    /// @notice Well formed, but not a proof of this statement.
    error InvalidProof();
    /// @notice The data contract is not the verifying key that was announced, or not of this shape.
    error BadVerifyingKey();
    /// @notice `sG2` is not a point of the second group other than the identity.
    error BadSrs();

    /// @notice Returns if `proof` is valid for `instances`; reverts with one of the errors above
    /// otherwise.
    /// @dev Accepts the canonical ABI encoding only: heads in order, no gaps, nothing behind.
    /// Proofs can be re-randomised: never use their hash as a nullifier.
    /// @param proof The proof, of this contract's exact length.
    /// @param instances The public words, `numInstances()` of them, each below the scalar field's
    /// modulus.
    function verify(bytes calldata proof, uint256[] calldata instances) external view;

    /// @notice As `verify`, but says `false` instead of reverting.
    /// @dev `true` means valid. `false` may also mean that the caller gave too little gas. An
    /// encoding that Solidity itself cannot decode reverts.
    /// @param proof The proof.
    /// @param instances The public words.
    /// @return valid Whether `verify` would return.
    function tryVerify(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bool valid);

    /// @notice As `verify`, but leaves the pairing to the caller: the proof is valid if and only if
    /// `e(lhs, [1]_2) = e(rhs, [s]_2)` with the `[s]_2` of `srsG2()`. Reverts as `verify` does when
    /// the proof is not even that far. {BatchVerifier} checks many proofs with one pairing.
    /// @dev Returning says nothing about the proof's validity.
    /// @param proof The proof.
    /// @param instances The public words.
    /// @return lhsX Coordinate x of `lhs`; the identity is (0, 0), as for the precompiles.
    /// @return lhsY Coordinate y of `lhs`.
    /// @return rhsX Coordinate x of `rhs`.
    /// @return rhsY Coordinate y of `rhs`.
    function accumulate(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 lhsX, uint256 lhsY, uint256 rhsX, uint256 rhsY);

    /// @notice Digest of the verifying key: constraint system, model, scales, public data, SRS. As the data
    /// contract says; what pins it is the data contract's code hash.
    /// @return The digest.
    function vkDigest() external view returns (bytes32);

    /// @notice Number of public words.
    /// @return The number.
    function numInstances() external view returns (uint256);

    /// @notice The `[s]_2` of the structured reference string: x.im, x.re, y.im, y.re.
    /// @return The four words.
    function srsG2() external view returns (uint256[4] memory);

    /// @notice Version of the generator.
    /// @return The version.
    function version() external view returns (string memory);
}
