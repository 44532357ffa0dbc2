// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ContextSlot, ContextSlots} from "./ContextSlot.sol";
import {IModelRegistry, Model, ModelState} from "./IModelRegistry.sol";
import {IoSchema, Schema} from "./IoSchema.sol";
import {PullPayments} from "./PullPayments.sol";

/// @notice Bonds and clocks of a game. They never change.
/// @param claimBond What a proposer puts up, in wei.
/// @param challengeBond What a challenger puts up: more than proving costs, or forcing proofs is cheap.
/// @param forfeit Part of a lost claim bond that goes to `sink` instead of the challenger: what a proposer
/// loses even when he challenges himself.
/// @param challengeWindow Seconds to challenge: download, run the model, get included.
/// @param proveWindow Seconds to prove, from the challenge: several times the slowest proof.
/// @param sink Who gets forfeits.
struct Terms {
    uint128 claimBond;
    uint128 challengeBond;
    uint128 forfeit;
    uint32 challengeWindow;
    uint32 proveWindow;
    address sink;
}

/// @notice What became of a claim. It only moves forward, and the last four are final.
enum ClaimState {
    /// There is no such claim.
    None,
    /// Made; may be challenged.
    Proposed,
    /// Challenged; must be proven.
    Challenged,
    /// Proven.
    Proven,
    /// Nobody challenged it in time.
    Accepted,
    /// Not proven in time, or proven wrong.
    Rejected,
    /// The model was revoked first: everybody got his bond back.
    Refunded
}

/// @title Claims of inference, proven on demand
/// @notice One game for one model. Somebody claims "on these inputs the model gives these outputs", with a
/// bond. If nobody objects in time, the claim is accepted. Otherwise it is proven or lost. A proof settles
/// any claim at once, challenged or not.
/// @dev Only claims that can be proven can be made: the statement is exactly the circuit's, and values out
/// of range are refused. (A value inside the network may still leave its range: run `zkml run` first; it
/// fails exactly when proving would.) Inputs must be public: nobody could object to a claim about inputs
/// he does not know. The words of a claim are in the calldata and in the event of `propose`; the contract
/// keeps their hash.
/// Nothing is called when a claim becomes final; consumers ask `requireFinal`. There is no owner. The
/// registry's owner can revoke the model, which gives back all bonds in play and decides nothing else.
contract OptimisticInference is PullPayments {
    using ContextSlots for *;

    /// @notice A claim.
    /// @param proposer Who made it.
    /// @param deadline Until when (exclusively) it may be challenged, or must be proven.
    /// @param state What became of it.
    /// @param challenger Who challenged it.
    /// @param statement keccak-256 of model and words.
    struct Claim {
        address proposer;
        uint64 deadline;
        ClaimState state;
        address challenger;
        bytes32 statement;
    }

    /// @notice Where the model comes from.
    IModelRegistry public immutable registry;
    /// @notice The model.
    bytes32 public immutable modelId;
    /// @notice Words of a claim: all public words but the context's.
    uint256 public immutable wordCount;
    /// @notice Those of them that are inputs; they come first.
    uint256 public immutable inputWordCount;
    /// @notice Claims made so far; they are numbered from 1.
    uint256 public claimCount;

    uint256 private immutable _claimBond;
    uint256 private immutable _challengeBond;
    uint256 private immutable _forfeit;
    uint256 private immutable _challengeWindow;
    uint256 private immutable _proveWindow;
    address private immutable _sink;

    mapping(uint256 claimId => Claim claim) private _claims;
    /// @dev What each word may be; see IoSchema.formats.
    bytes private _formats;

    /// @notice A claim was made.
    /// @param claimId Its number.
    /// @param proposer Who made it.
    /// @param deadline Until when it may be challenged.
    /// @param words Its words, inputs first.
    event Proposed(
        uint256 indexed claimId, address indexed proposer, uint256 deadline, uint256[] words
    );
    /// @notice A claim was challenged.
    /// @param claimId The claim.
    /// @param challenger Who challenged it.
    /// @param deadline Until when it must be proven.
    event Challenged(uint256 indexed claimId, address indexed challenger, uint256 deadline);
    /// @notice A claim became final.
    /// @param claimId The claim.
    /// @param state What became of it.
    /// @param by Who saw to it.
    event Settled(uint256 indexed claimId, ClaimState state, address indexed by);

    /// @notice Bonds, forfeit or clocks make no game.
    error BadTerms();
    /// @notice This is not the schema of the model.
    error WrongSchema(bytes32 expected);
    /// @notice The model's inputs are private.
    error PrivateInputs();
    /// @notice The model is not in a state for this.
    error ModelNotUsable(ModelState state);
    /// @notice Not the bond.
    error WrongBond(uint256 expected, uint256 got);
    /// @notice The claim is not in a state for this.
    error WrongState(uint256 claimId, ClaimState state);
    /// @notice The clock has run out.
    error TooLate(uint256 deadline);
    /// @notice The clock has not run out.
    error TooEarly(uint256 deadline);
    /// @notice These are not the words of the claim.
    error OtherStatement(uint256 claimId);
    /// @notice A claim is disproven by the same inputs and other outputs.
    error NoContradiction(uint256 claimId);

    /// @notice Opens the game.
    /// @param registry_ Where the model comes from.
    /// @param modelId_ The model.
    /// @param schema Its schema, as it was registered.
    /// @param terms_ Bonds and clocks.
    constructor(
        IModelRegistry registry_,
        bytes32 modelId_,
        Schema memory schema,
        Terms memory terms_
    ) {
        Model memory model = registry_.modelOf(modelId_);
        if (model.state != ModelState.Active) revert ModelNotUsable(model.state);
        bytes32 expected = registry_.commitmentsOf(modelId_).ioSchemaHash;
        if (IoSchema.hash(schema) != expected) revert WrongSchema(expected);
        if (schema.inputs.length == 0) revert PrivateInputs();
        if (
            terms_.claimBond == 0 || terms_.challengeBond == 0 || terms_.forfeit >= terms_.claimBond
                || terms_.challengeWindow == 0 || terms_.proveWindow == 0
                || terms_.sink == address(0)
        ) revert BadTerms();
        registry = registry_;
        modelId = modelId_;
        uint256 contextWords = model.context.wordCount();
        wordCount = model.numInstances - contextWords;
        uint256 inputs = IoSchema.inputWords(schema);
        // A context among the inputs is not one of the claim's words.
        if (contextWords > 0 && model.context.firstWord() < inputs) inputs -= contextWords;
        inputWordCount = inputs;
        _claimBond = terms_.claimBond;
        _challengeBond = terms_.challengeBond;
        _forfeit = terms_.forfeit;
        _challengeWindow = terms_.challengeWindow;
        _proveWindow = terms_.proveWindow;
        _sink = terms_.sink;
        _formats = IoSchema.formats(schema);
    }

    /// @notice Makes a claim. Send the claim bond.
    /// @param words All public words but the context's: inputs, then outputs.
    /// @return claimId Its number.
    function propose(uint256[] calldata words) external payable returns (uint256 claimId) {
        ModelState state = registry.modelOf(modelId).state;
        if (state != ModelState.Active) revert ModelNotUsable(state);
        if (msg.value != _claimBond) revert WrongBond(_claimBond, msg.value);
        IoSchema.checkFormats(_formats, words);
        claimId = ++claimCount;
        uint256 deadline = block.timestamp + _challengeWindow;
        _claims[claimId] = Claim({
            proposer: msg.sender,
            deadline: uint64(deadline),
            state: ClaimState.Proposed,
            challenger: address(0),
            statement: _statement(words)
        });
        emit Proposed(claimId, msg.sender, deadline, words);
    }

    /// @notice Objects to a claim. Send the challenge bond: it is lost if the claim is proven.
    /// @param claimId The claim.
    function challenge(uint256 claimId) external payable {
        Claim storage claim = _claims[claimId];
        if (claim.state != ClaimState.Proposed) revert WrongState(claimId, claim.state);
        if (block.timestamp >= claim.deadline) revert TooLate(claim.deadline);
        if (msg.value != _challengeBond) revert WrongBond(_challengeBond, msg.value);
        uint256 deadline = block.timestamp + _proveWindow;
        claim.state = ClaimState.Challenged;
        claim.challenger = msg.sender;
        claim.deadline = uint64(deadline);
        emit Challenged(claimId, msg.sender, deadline);
    }

    /// @notice Proves a claim, challenged or not: it is final at once. A challenger's bond goes to the caller
    /// if the model's statements hold a context, which must then be `contextOf(claimId, caller)`; so
    /// nobody else can use the proof. Without a context it goes to the proposer, and it does not
    /// matter who hands in the proof.
    /// @param claimId The claim.
    /// @param words Its words.
    /// @param proof The proof.
    function prove(uint256 claimId, uint256[] calldata words, bytes calldata proof) external {
        Claim memory claim = _open(claimId, words);
        ContextSlot slot = _verify(claimId, words, proof);
        _settle(claimId, ClaimState.Proven);
        _credit(claim.proposer, _claimBond);
        if (claim.state == ClaimState.Challenged) {
            _credit(slot.isNone() ? claim.proposer : msg.sender, _challengeBond);
        }
    }

    /// @notice Disproves a challenged claim, by a proof that the same inputs give other outputs. (The model
    /// is a function.) Its challenger gets the bonds, whoever hands it in, at once and not when the
    /// clock has run out.
    /// @param claimId The claim.
    /// @param words Its words.
    /// @param truth The words that are proven.
    /// @param proof The proof, with the context `contextOf(claimId, caller)` if the model has one.
    function disprove(
        uint256 claimId,
        uint256[] calldata words,
        uint256[] calldata truth,
        bytes calldata proof
    ) external {
        Claim memory claim = _open(claimId, words);
        if (claim.state != ClaimState.Challenged) revert WrongState(claimId, claim.state);
        if (_statement(truth) == claim.statement || _inputs(truth) != _inputs(words)) {
            revert NoContradiction(claimId);
        }
        _verify(claimId, truth, proof);
        _reject(claimId, claim.challenger);
    }

    /// @notice Settles a claim whose clock has run out: accepts it if it was not challenged, rejects it if
    /// it was. If the model was revoked, all get their bonds back instead.
    /// @param claimId The claim.
    function resolve(uint256 claimId) external {
        Claim memory claim = _claims[claimId];
        _requireUnsettled(claimId, claim.state);
        if (block.timestamp < claim.deadline) revert TooEarly(claim.deadline);
        if (_isRevoked()) {
            _refund(claimId, claim);
        } else if (claim.state == ClaimState.Challenged) {
            _reject(claimId, claim.challenger);
        } else {
            _settle(claimId, ClaimState.Accepted);
            _credit(claim.proposer, _claimBond);
        }
    }

    /// @notice Gives back the bonds of a claim whose model was revoked.
    /// @param claimId The claim.
    function refund(uint256 claimId) external {
        Claim memory claim = _claims[claimId];
        _requireUnsettled(claimId, claim.state);
        ModelState state = registry.modelOf(modelId).state;
        if (state != ModelState.Revoked) revert ModelNotUsable(state);
        _refund(claimId, claim);
    }

    /// @notice Returns if a claim is final and true, and these are its words; reverts otherwise.
    /// @dev Final means final: a model that is revoked later does not undo it. A consumer that minds asks
    /// the registry too.
    /// @param claimId The claim.
    /// @param words Its words.
    function requireFinal(uint256 claimId, uint256[] calldata words) external view {
        if (!isFinal(claimId)) revert WrongState(claimId, _claims[claimId].state);
        if (_statement(words) != _claims[claimId].statement) revert OtherStatement(claimId);
    }

    /// @notice A claim.
    /// @param claimId Its number.
    /// @return The claim.
    function claimOf(uint256 claimId) external view returns (Claim memory) {
        return _claims[claimId];
    }

    /// @notice Bonds and clocks.
    /// @return The terms.
    function terms() external view returns (Terms memory) {
        return Terms({
            claimBond: uint128(_claimBond),
            challengeBond: uint128(_challengeBond),
            forfeit: uint128(_forfeit),
            challengeWindow: uint32(_challengeWindow),
            proveWindow: uint32(_proveWindow),
            sink: _sink
        });
    }

    /// @notice The context that a proof for a claim must carry. It has no deadline but the claim's.
    /// @param claimId The claim.
    /// @param prover Who will hand it in.
    /// @return The hash.
    function contextOf(uint256 claimId, address prover) public view returns (bytes32) {
        return ContextSlots.contextHash(address(this), prover, claimId, type(uint256).max);
    }

    /// @notice Whether a claim is final and true.
    /// @param claimId The claim.
    /// @return Whether it is.
    function isFinal(uint256 claimId) public view returns (bool) {
        ClaimState state = _claims[claimId].state;
        return state == ClaimState.Proven || state == ClaimState.Accepted;
    }

    /// @dev A claim that can still be proven, with its words.
    function _open(uint256 claimId, uint256[] calldata words)
        private
        view
        returns (Claim memory claim)
    {
        claim = _claims[claimId];
        _requireUnsettled(claimId, claim.state);
        if (block.timestamp >= claim.deadline) revert TooLate(claim.deadline);
        if (_statement(words) != claim.statement) revert OtherStatement(claimId);
    }

    /// @dev Reverts unless `proof` proves `words` and, if the model has a context, is the caller's.
    function _verify(uint256 claimId, uint256[] calldata words, bytes calldata proof)
        private
        view
        returns (ContextSlot slot)
    {
        Model memory model = registry.modelOf(modelId);
        if (model.state == ModelState.Revoked) revert ModelNotUsable(model.state);
        slot = model.context;
        if (slot.isNone()) {
            model.verifier.verify(proof, words);
        } else {
            bytes32 context = contextOf(claimId, msg.sender);
            model.verifier.verify(proof, slot.insert(context, words));
        }
    }

    function _reject(uint256 claimId, address challenger) private {
        _settle(claimId, ClaimState.Rejected);
        _credit(challenger, _challengeBond + _claimBond - _forfeit);
        _credit(_sink, _forfeit);
    }

    function _refund(uint256 claimId, Claim memory claim) private {
        _settle(claimId, ClaimState.Refunded);
        _credit(claim.proposer, _claimBond);
        if (claim.state == ClaimState.Challenged) _credit(claim.challenger, _challengeBond);
    }

    function _settle(uint256 claimId, ClaimState state) private {
        _claims[claimId].state = state;
        emit Settled(claimId, state, msg.sender);
    }

    function _isRevoked() private view returns (bool) {
        return registry.modelOf(modelId).state == ModelState.Revoked;
    }

    function _statement(uint256[] calldata words) private view returns (bytes32) {
        return keccak256(abi.encode(modelId, words));
    }

    function _inputs(uint256[] calldata words) private view returns (bytes32) {
        return keccak256(abi.encode(words[:inputWordCount]));
    }

    function _requireUnsettled(uint256 claimId, ClaimState state) private pure {
        if (state != ClaimState.Proposed && state != ClaimState.Challenged) {
            revert WrongState(claimId, state);
        }
    }
}
