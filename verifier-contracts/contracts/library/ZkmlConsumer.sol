// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ContextSlots} from "./ContextSlot.sol";
import {IModelRegistry, Model, ModelState} from "./IModelRegistry.sol";

/// @title Base of contracts that act on verified inference
/// @notice Derive from it, decide *which* words you believe (your input, the output you will act on), and
/// call `_consume` with them. A statement is accepted once.
/// @dev `_consume` answers: was this model, on some input, proven to give these words, for this very use,
/// by the caller. It does not answer whether the input is the right one: compare the input words, or what
/// they hash to, with what you expect.
abstract contract ZkmlConsumer {
    using ContextSlots for *;

    /// @notice Where models come from.
    IModelRegistry public immutable registry;

    /// @notice Statements that were accepted: keccak-256 of model and public words, never of a proof,
    /// since proofs of one statement can be varied at will.
    mapping(bytes32 nullifier => bool isSpent) public spent;

    /// @notice A statement was accepted.
    /// @param modelId The model.
    /// @param context The context it is bound to; zero if it is bound to none.
    /// @param prover Who handed it in.
    /// @param nullifier Hash of model and public words.
    event InferenceVerified(
        bytes32 indexed modelId, bytes32 indexed context, address indexed prover, bytes32 nullifier
    );

    /// @notice The model is unknown, revoked, or deprecated and not accepted any more.
    error ModelNotUsable(bytes32 modelId, ModelState state);
    /// @notice The model's statements hold no context: its proofs cannot be bound.
    error NoContext(bytes32 modelId);
    /// @notice The model's statements hold a context, which `_consumeUnbound` would leave to the prover: the
    /// same inference could be accepted once for each.
    error HasContext(bytes32 modelId);
    /// @notice The words do not carry the context of this use.
    error WrongContext(bytes32 expected);
    /// @notice Too late.
    error Expired(uint256 deadline);
    /// @notice The statement was accepted before.
    error AlreadySpent(bytes32 nullifier);
    /// @notice There is no code at the registry's address.
    error NoRegistry();

    /// @notice Fixes the registry.
    /// @param registry_ Where models come from.
    constructor(IModelRegistry registry_) {
        if (address(registry_).code.length == 0) revert NoRegistry();
        registry = registry_;
    }

    /// @notice The context that a proof must carry to be accepted here.
    /// @param caller Who will hand it in.
    /// @param nonce What tells the caller's uses apart; the contract says what it takes.
    /// @param deadline Last second at which it is accepted.
    /// @return The hash; GUIDE.md says how it becomes an input of the model.
    function contextOf(address caller, uint256 nonce, uint256 deadline) public view returns (bytes32) {
        return ContextSlots.contextHash(address(this), caller, nonce, deadline);
    }

    /// @notice What a statement is remembered by.
    /// @param modelId The model.
    /// @param instances The public words.
    /// @return The hash.
    function nullifierOf(bytes32 modelId, uint256[] calldata instances) public pure returns (bytes32) {
        return keccak256(abi.encode(modelId, instances));
    }

    /// @notice Accepts a statement that is bound to this contract, the caller, `nonce` and `deadline`;
    /// reverts otherwise.
    /// @dev The nonce is not consumed by itself (the statement is): if a nonce may be used
    /// once only, remember it, or let it name something that happens once.
    /// @param modelId The model, which must be the one you mean.
    /// @param proof The proof.
    /// @param instances The public words.
    /// @param nonce The nonce the proof was made for.
    /// @param deadline The deadline the proof was made for.
    /// @return nullifier Hash of model and public words.
    function _consume(
        bytes32 modelId,
        bytes calldata proof,
        uint256[] calldata instances,
        uint256 nonce,
        uint256 deadline
    ) internal returns (bytes32 nullifier) {
        Model memory model;
        (model, nullifier) = _bind(modelId, instances, nonce, deadline);
        model.verifier.verify(proof, instances);
    }

    /// @notice `_consume` without the verification: for callers that verify many proofs at once with
    /// {BatchVerifier}. They must verify each, with the verifier returned here.
    /// @param modelId The model.
    /// @param instances The public words.
    /// @param nonce The nonce.
    /// @param deadline The deadline.
    /// @return model The model.
    /// @return nullifier Hash of model and public words.
    function _bind(bytes32 modelId, uint256[] calldata instances, uint256 nonce, uint256 deadline)
        internal
        returns (Model memory model, bytes32 nullifier)
    {
        if (block.timestamp > deadline) revert Expired(deadline);
        model = _usable(modelId);
        if (model.context.isNone()) revert NoContext(modelId);
        bytes32 context = contextOf(msg.sender, nonce, deadline);
        if (!model.context.carries(context, instances)) revert WrongContext(context);
        nullifier = _spend(modelId, context, instances);
    }

    /// @notice Accepts a statement of a model whose statements hold no context. Whoever sees the proof can
    /// hand it in, here and elsewhere: use it only where it does not matter who does, and where a
    /// statement counts once.
    /// @param modelId The model.
    /// @param proof The proof.
    /// @param instances The public words.
    /// @return nullifier Hash of model and public words.
    function _consumeUnbound(bytes32 modelId, bytes calldata proof, uint256[] calldata instances)
        internal
        returns (bytes32 nullifier)
    {
        Model memory model = _usable(modelId);
        if (!model.context.isNone()) revert HasContext(modelId);
        nullifier = _spend(modelId, 0, instances);
        model.verifier.verify(proof, instances);
    }

    /// @notice Whether a deprecated model's proofs are still accepted: not unless overridden.
    /// @return Whether they are.
    function _acceptsDeprecated(
        bytes32 /* modelId */
    ) internal view virtual returns (bool) {
        return false;
    }

    function _usable(bytes32 modelId) private view returns (Model memory model) {
        model = registry.modelOf(modelId);
        ModelState state = model.state;
        bool usable = state == ModelState.Active
            || (state == ModelState.Deprecated && _acceptsDeprecated(modelId));
        if (!usable) revert ModelNotUsable(modelId, state);
    }

    function _spend(bytes32 modelId, bytes32 context, uint256[] calldata instances)
        private
        returns (bytes32 nullifier)
    {
        nullifier = nullifierOf(modelId, instances);
        if (spent[nullifier]) revert AlreadySpent(nullifier);
        spent[nullifier] = true;
        emit InferenceVerified(modelId, context, msg.sender, nullifier);
    }
}
