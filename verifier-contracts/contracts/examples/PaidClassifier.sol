// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {FieldCodec} from "../library/FieldCodec.sol";
import {IModelRegistry} from "../library/IModelRegistry.sol";
import {ContextKind, IoSchema, Schema, Tensor} from "../library/IoSchema.sol";
import {PullPayments} from "../library/PullPayments.sol";
import {ZkmlConsumer} from "../library/ZkmlConsumer.sol";

/// @title Example: an escrow that a classifier decides
/// @notice A payer locks money for a beneficiary under a condition: "the model says that this input is of
/// this class". Whoever proves what the model says settles it, for a fee: the beneficiary is paid if the
/// class is the agreed one, the payer gets his money back if it is another, or if nobody proves anything
/// in time.
/// @dev The whole pattern of a consumer: the model is pinned, the input is one that the contract knows, the
/// output is decoded by the registered schema, the proof is bound to who is paid for it, and one job is
/// settled once.
contract PaidClassifier is ZkmlConsumer, PullPayments {
    /// @notice An escrow.
    /// @param payer Who locked the money.
    /// @param amount What the condition decides about.
    /// @param beneficiary Who gets it if the condition holds.
    /// @param fee What the prover gets.
    /// @param deadline Until when (inclusively) it can be settled by a proof.
    /// @param class The class that it takes.
    /// @param isOpen Whether it is not settled yet.
    /// @param inputs keccak-256 of the input's words.
    struct Job {
        address payer;
        uint96 amount;
        address beneficiary;
        uint96 fee;
        uint64 deadline;
        uint16 class;
        bool isOpen;
        bytes32 inputs;
    }

    /// @notice The model that decides.
    bytes32 public immutable modelId;
    /// @notice Number of its classes.
    uint256 public immutable classes;
    /// @notice Jobs so far; they are numbered from 1.
    uint256 public jobCount;

    uint256 private immutable _inputWords;
    uint256 private immutable _firstOutput;
    uint256 private immutable _lanes;
    uint256 private immutable _bits;

    mapping(uint256 jobId => Job job) private _jobs;

    /// @notice An escrow was opened.
    /// @param jobId Its number.
    /// @param payer Who locked the money.
    /// @param beneficiary Who may get it.
    event JobOpened(uint256 indexed jobId, address indexed payer, address indexed beneficiary);
    /// @notice The model's answer was proven.
    /// @param jobId The job.
    /// @param prover Who proved it.
    /// @param class What the model says.
    /// @param isPaid Whether that is the agreed class.
    event JobSettled(uint256 indexed jobId, address indexed prover, uint256 class, bool isPaid);
    /// @notice The money went back, unproven.
    /// @param jobId The job.
    event JobCancelled(uint256 indexed jobId);

    /// @notice The model has private inputs, outputs with gaps, or another schema.
    error UnsuitableModel();
    /// @notice There is no such class, or no such input.
    error BadJob();
    /// @notice The job is settled, or there is none.
    error NotOpen(uint256 jobId);
    /// @notice The proof is about another input.
    error OtherInput(uint256 jobId);
    /// @notice Not before `deadline`, or not after it.
    error WrongTime(uint256 deadline);

    /// @notice Fixes the model.
    /// @param registry_ Where the model comes from.
    /// @param modelId_ The model: its first output holds one score for each class.
    /// @param schema Its schema, as it was registered.
    constructor(IModelRegistry registry_, bytes32 modelId_, Schema memory schema)
        ZkmlConsumer(registry_)
    {
        bytes32 expected = registry_.commitmentsOf(modelId_).ioSchemaHash;
        if (IoSchema.hash(schema) != expected) revert UnsuitableModel();
        // One public input, and perhaps the context as a second one: each input word is accounted for.
        // The first output is the scores, not the context.
        uint256 inputs = schema.inputs.length;
        bool suits = inputs == 1 && schema.contextKind == ContextKind.Word;
        if (schema.contextKind == ContextKind.Bytes) {
            suits = inputs == 1 ? schema.contextTensor > 1 : inputs == 2 && schema.contextTensor == 1;
        }
        Tensor memory scores = schema.outputs[0];
        if (!suits || scores.places.length != 0) revert UnsuitableModel();
        modelId = modelId_;
        classes = scores.elements;
        _inputWords = IoSchema.wordsOf(schema.inputs[0]);
        _firstOutput = IoSchema.inputWords(schema);
        _lanes = scores.lanes;
        _bits = scores.bits;
    }

    /// @notice Locks money.
    /// @param beneficiary Who gets it if the model says `class`.
    /// @param class The class.
    /// @param fee Part of the money that goes to the prover.
    /// @param deadline Until when it can be settled by a proof.
    /// @param inputs Words of the input; in calldata, so that anybody can run the model.
    /// @return jobId The job.
    function open(
        address beneficiary,
        uint16 class,
        uint96 fee,
        uint64 deadline,
        uint256[] calldata inputs
    ) external payable returns (uint256 jobId) {
        if (class >= classes || inputs.length != _inputWords || msg.value < fee) revert BadJob();
        if (deadline <= block.timestamp) revert WrongTime(deadline);
        jobId = ++jobCount;
        _jobs[jobId] = Job({
            payer: msg.sender,
            // All the ether there is fits.
            amount: uint96(msg.value - fee),
            beneficiary: beneficiary,
            fee: fee,
            deadline: deadline,
            class: class,
            isOpen: true,
            inputs: keccak256(abi.encode(inputs))
        });
        emit JobOpened(jobId, msg.sender, beneficiary);
    }

    /// @notice Settles a job by a proof, and earns its fee.
    /// @param jobId The job.
    /// @param proof A proof with the context `contextOf(caller, jobId, deadline of the job)`.
    /// @param instances Its public words.
    function settle(uint256 jobId, bytes calldata proof, uint256[] calldata instances) external {
        Job memory job = _close(jobId);
        // One nonce for one job, which is settled once.
        _consume(modelId, proof, instances, jobId, job.deadline);
        if (keccak256(abi.encode(instances[:_inputWords])) != job.inputs) revert OtherInput(jobId);
        int256[] memory scores = FieldCodec.unpack(instances, _firstOutput, classes, _lanes, _bits);
        uint256 class = FieldCodec.argmax(scores);
        bool isPaid = class == job.class;
        emit JobSettled(jobId, msg.sender, class, isPaid);
        _credit(isPaid ? job.beneficiary : job.payer, job.amount);
        _credit(msg.sender, job.fee);
    }

    /// @notice Gives the money back when nobody proved anything in time.
    /// @param jobId The job.
    function cancel(uint256 jobId) external {
        Job memory job = _close(jobId);
        if (block.timestamp <= job.deadline) revert WrongTime(job.deadline);
        emit JobCancelled(jobId);
        _credit(job.payer, uint256(job.amount) + job.fee);
    }

    /// @notice A job.
    /// @param jobId Its number.
    /// @return The job.
    function jobOf(uint256 jobId) external view returns (Job memory) {
        return _jobs[jobId];
    }

    function _close(uint256 jobId) private returns (Job memory job) {
        job = _jobs[jobId];
        if (!job.isOpen) revert NotOpen(jobId);
        _jobs[jobId].isOpen = false;
    }
}
