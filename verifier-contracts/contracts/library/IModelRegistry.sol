// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IZkmlVerifier} from "../IZkmlVerifier.sol";
import {ContextSlot} from "./ContextSlot.sol";

/// @notice What may be done with a model. It only ever moves down this list.
enum ModelState {
    /// Not registered.
    None,
    /// In use.
    Active,
    /// Out of favour: consumers decide.
    Deprecated,
    /// Not to be believed any more.
    Revoked
}

/// @notice What verifying a proof needs, in one storage slot.
/// @param verifier The model's verifier.
/// @param state Its state.
/// @param numInstances Number of public words.
/// @param context Where they hold the context.
struct Model {
    IZkmlVerifier verifier;
    ModelState state;
    uint16 numInstances;
    ContextSlot context;
}

/// @notice What a model is identified by.
/// @param verifierCodehash Code hash of the verifier: profile, generator, address and hash of the key,
/// reference string.
/// @param vkDigest Digest of the verifying key, as the verifier says.
/// @param weightsCommitment Commitment to the weights, if the publisher made one; zero otherwise. (The
/// weights are bound by the verifying key, and so by `verifierCodehash`, in any case.)
/// @param ioSchemaHash Hash of the schema of the public words.
/// @param quantisationHash Hash of the quantisation: what `zkml` prints as the compiled model's digest.
/// @param srsId keccak-256 of the reference string's `[s]_2`, as the verifier says.
struct Commitments {
    bytes32 verifierCodehash;
    bytes32 vkDigest;
    bytes32 weightsCommitment;
    bytes32 ioSchemaHash;
    bytes32 quantisationHash;
    bytes32 srsId;
}

/// @title What consumers read of a registry
/// @notice {ModelRegistry} is one.
interface IModelRegistry {
    /// @notice A model's verifier, state and context, in one read.
    /// @param modelId The model.
    /// @return The model; its state is {ModelState.None} if it was not registered.
    function modelOf(bytes32 modelId) external view returns (Model memory);

    /// @notice What a model is identified by.
    /// @param modelId The model.
    /// @return The commitments, zeros if it was not registered.
    function commitmentsOf(bytes32 modelId) external view returns (Commitments memory);

    /// @notice The model an alias points to.
    /// @param name The alias.
    /// @return The model, zero if there is no such alias.
    function aliasOf(bytes32 name) external view returns (bytes32);
}
