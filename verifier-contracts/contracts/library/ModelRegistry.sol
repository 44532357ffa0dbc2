// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IZkmlVerifier} from "../IZkmlVerifier.sol";
import {Commitments, IModelRegistry, Model, ModelState} from "./IModelRegistry.sol";
import {IoSchema, Schema} from "./IoSchema.sol";
import {Owned2Step} from "./Owned2Step.sol";

/// @title Registry of models
/// @notice A model's id is the hash of everything that decides what its proofs mean. Entries never
/// change but for their state, which moves one way: Active, Deprecated, Revoked. Consumers pin an id, or
/// follow an alias, which the owner can move to another model after a delay everyone can see.
/// @dev Trust: the owner vouches that a verifier is a generated one and that schema, weights commitment
/// and quantisation are those of its key (GUIDE.md says how to check); digest, number of words and
/// reference string are asked from the verifier. Code cannot change after deployment on chains with
/// EIP-6780, which generated verifiers need anyway (Cancun); a *proxy* in front of one could, and must not
/// be registered.
contract ModelRegistry is IModelRegistry, Owned2Step {
    /// @notice An alias on its way to another model.
    /// @param modelId The model.
    /// @param readyAt When it can be accepted.
    struct Proposal {
        bytes32 modelId;
        uint64 readyAt;
    }

    /// @notice Shortest delay of aliases.
    uint256 public constant MIN_ALIAS_DELAY = 1 hours;
    /// @notice Longest delay of aliases.
    uint256 public constant MAX_ALIAS_DELAY = 30 days;
    /// @notice How long a proposal can be accepted, once it is ready.
    uint256 public constant GRACE = 14 days;
    /// @notice Time from a proposal until it can be accepted.
    uint256 public immutable aliasDelay;

    /// @inheritdoc IModelRegistry
    mapping(bytes32 name => bytes32 modelId) public aliasOf;
    /// @notice Aliases on their way.
    mapping(bytes32 name => Proposal proposal) public proposalOf;

    mapping(bytes32 modelId => Model model) private _models;
    mapping(bytes32 modelId => Commitments commitments) private _commitments;

    /// @notice A model was registered.
    /// @param modelId Its id.
    /// @param verifier Its verifier.
    /// @param commitments What the id is the hash of.
    /// @param schema What its public words mean.
    event ModelRegistered(
        bytes32 indexed modelId, address indexed verifier, Commitments commitments, Schema schema
    );
    /// @notice A model's state changed.
    /// @param modelId The model.
    /// @param state Its state now.
    event ModelStateChanged(bytes32 indexed modelId, ModelState state);
    /// @notice An alias will be able to move.
    /// @param name The alias.
    /// @param modelId Where to.
    /// @param readyAt When it can be accepted.
    event AliasProposed(bytes32 indexed name, bytes32 indexed modelId, uint256 readyAt);
    /// @notice An alias moved.
    /// @param name The alias.
    /// @param from The model before, zero if there was none.
    /// @param to The model now.
    event AliasMoved(bytes32 indexed name, bytes32 indexed from, bytes32 indexed to);
    /// @notice A proposal was taken back.
    /// @param name The alias.
    /// @param modelId Where it would have moved.
    event AliasCancelled(bytes32 indexed name, bytes32 indexed modelId);

    /// @notice The delay is out of bounds.
    error BadDelay(uint256 delay);
    /// @notice There is no code at the verifier's address.
    error NoCode(address verifier);
    /// @notice The schema has another number of words than the verifier.
    error WordCount(uint256 schema, uint256 verifier);
    /// @notice The verifier has no key.
    error NoKey(address verifier);
    /// @notice The model is registered already.
    error AlreadyRegistered(bytes32 modelId);
    /// @notice The model is not in a state from which this is possible.
    error WrongState(bytes32 modelId, ModelState state);
    /// @notice There is no proposal for this alias.
    error NoProposal(bytes32 name);
    /// @notice The proposal can only be accepted from `readyAt` until `expiresAt`.
    error NotReady(uint256 readyAt, uint256 expiresAt);

    /// @notice An empty registry.
    /// @param owner_ Who registers models.
    /// @param aliasDelay_ Delay of aliases in seconds.
    constructor(address owner_, uint256 aliasDelay_) Owned2Step(owner_) {
        if (aliasDelay_ < MIN_ALIAS_DELAY || aliasDelay_ > MAX_ALIAS_DELAY) revert BadDelay(aliasDelay_);
        aliasDelay = aliasDelay_;
    }

    /// @notice Registers a model.
    /// @param verifier Its verifier.
    /// @param schema What its public words mean.
    /// @param weightsCommitment Commitment to the weights, or zero.
    /// @param quantisationHash Digest of the compiled model.
    /// @return modelId Its id.
    function register(
        IZkmlVerifier verifier,
        Schema calldata schema,
        bytes32 weightsCommitment,
        bytes32 quantisationHash
    ) external onlyOwner returns (bytes32 modelId) {
        if (address(verifier).code.length == 0) revert NoCode(address(verifier));
        Schema memory read = schema;
        IoSchema.check(read);
        uint256 words = IoSchema.countWords(read);
        uint256 count = verifier.numInstances();
        if (words != count) revert WordCount(words, count);

        Commitments memory commitments = Commitments({
            verifierCodehash: address(verifier).codehash,
            vkDigest: verifier.vkDigest(),
            weightsCommitment: weightsCommitment,
            ioSchemaHash: IoSchema.hash(read),
            quantisationHash: quantisationHash,
            srsId: keccak256(abi.encode(verifier.srsG2()))
        });
        if (commitments.vkDigest == 0) revert NoKey(address(verifier));
        modelId = idOf(commitments);
        if (_models[modelId].state != ModelState.None) revert AlreadyRegistered(modelId);
        _models[modelId] = Model({
            verifier: verifier,
            state: ModelState.Active,
            // IoSchema.check bounds the words.
            numInstances: uint16(count),
            context: IoSchema.contextSlot(read)
        });
        _commitments[modelId] = commitments;
        emit ModelRegistered(modelId, address(verifier), commitments, schema);
    }

    /// @notice Marks an active model as out of favour.
    /// @param modelId The model.
    function deprecate(bytes32 modelId) external onlyOwner {
        ModelState state = _models[modelId].state;
        if (state != ModelState.Active) revert WrongState(modelId, state);
        _models[modelId].state = ModelState.Deprecated;
        emit ModelStateChanged(modelId, ModelState.Deprecated);
    }

    /// @notice Withdraws a model: at once, for good.
    /// @param modelId The model.
    function revoke(bytes32 modelId) external onlyOwner {
        ModelState state = _models[modelId].state;
        if (state != ModelState.Active && state != ModelState.Deprecated) {
            revert WrongState(modelId, state);
        }
        _models[modelId].state = ModelState.Revoked;
        emit ModelStateChanged(modelId, ModelState.Revoked);
    }

    /// @notice Proposes to point an alias to an active model. Replaces an earlier proposal; the delay
    /// starts again.
    /// @param name The alias.
    /// @param modelId The model.
    function proposeAlias(bytes32 name, bytes32 modelId) external onlyOwner {
        _requireActive(modelId);
        uint256 readyAt = block.timestamp + aliasDelay;
        proposalOf[name] = Proposal({modelId: modelId, readyAt: uint64(readyAt)});
        emit AliasProposed(name, modelId, readyAt);
    }

    /// @notice Moves an alias whose proposal is ready.
    /// @param name The alias.
    function acceptAlias(bytes32 name) external onlyOwner {
        Proposal memory proposal = proposalOf[name];
        if (proposal.modelId == 0) revert NoProposal(name);
        uint256 readyAt = proposal.readyAt;
        if (block.timestamp < readyAt || block.timestamp > readyAt + GRACE) {
            revert NotReady(readyAt, readyAt + GRACE);
        }
        _requireActive(proposal.modelId);
        bytes32 from = aliasOf[name];
        aliasOf[name] = proposal.modelId;
        delete proposalOf[name];
        emit AliasMoved(name, from, proposal.modelId);
    }

    /// @notice Takes a proposal back.
    /// @param name The alias.
    function cancelAlias(bytes32 name) external onlyOwner {
        bytes32 modelId = proposalOf[name].modelId;
        if (modelId == 0) revert NoProposal(name);
        delete proposalOf[name];
        emit AliasCancelled(name, modelId);
    }

    /// @inheritdoc IModelRegistry
    function modelOf(bytes32 modelId) external view returns (Model memory) {
        return _models[modelId];
    }

    /// @inheritdoc IModelRegistry
    function commitmentsOf(bytes32 modelId) external view returns (Commitments memory) {
        return _commitments[modelId];
    }

    /// @notice The id of a model.
    /// @param commitments What it is identified by.
    /// @return The id.
    function idOf(Commitments memory commitments) public pure returns (bytes32) {
        return keccak256(abi.encode(commitments));
    }

    function _requireActive(bytes32 modelId) private view {
        ModelState state = _models[modelId].state;
        if (state != ModelState.Active) revert WrongState(modelId, state);
    }
}
