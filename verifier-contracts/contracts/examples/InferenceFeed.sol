// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {FieldCodec} from "../library/FieldCodec.sol";
import {IoSchema, Schema, Tensor} from "../library/IoSchema.sol";
import {OptimisticInference} from "../library/OptimisticInference.sol";

/// @title Example: a feed of a model's answers
/// @notice A reporter asks what the model says of an input, such as today's market data. Anyone claims the
/// answer in an optimistic game; once the claim is final, anyone puts it into the feed. Readers get a
/// number with 18 decimals.
/// @dev The feed trusts the reporter for the *question* and nobody for the answer.
contract InferenceFeed {
    /// @notice A question.
    /// @param inputs keccak-256 of the input's words.
    /// @param askedAt When it was asked.
    /// @param answeredAt When the answer came in; zero until then.
    /// @param answer The answer, with 18 decimals.
    struct Round {
        bytes32 inputs;
        uint64 askedAt;
        uint64 answeredAt;
        int256 answer;
    }

    /// @notice The game that decides.
    OptimisticInference public immutable game;
    /// @notice Who asks.
    address public immutable reporter;
    /// @notice What stands for 1 in answers.
    uint256 public constant UNIT = 1e18;
    /// @notice Questions so far; they are numbered from 1.
    uint256 public roundCount;
    /// @notice The last question with an answer.
    uint256 public latestRound;

    uint256 private immutable _outputWord;
    uint256 private immutable _mask;
    uint256 private immutable _bits;
    int256 private immutable _scale;

    mapping(uint256 round => Round data) private _rounds;

    /// @notice A question was asked.
    /// @param round Its number.
    /// @param inputs The input's words.
    event Asked(uint256 indexed round, uint256[] inputs);
    /// @notice A question was answered.
    /// @param round The question.
    /// @param claimId The claim that answers it.
    /// @param answer The answer, with 18 decimals.
    event Answered(uint256 indexed round, uint256 indexed claimId, int256 answer);

    /// @notice Not the reporter.
    error NotReporter(address caller);
    /// @notice The model's answer is not one number in a word of its own, or this is another schema.
    error UnsuitableModel();
    /// @notice The input has another number of words.
    error BadInput(uint256 expected, uint256 got);
    /// @notice There is no such question, or it has its answer.
    error NotOpen(uint256 round);
    /// @notice The claim is about another input.
    error OtherInput(uint256 round);
    /// @notice There is no answer yet.
    error NoAnswer();

    /// @notice Fixes game and reporter.
    /// @param game_ The game.
    /// @param schema The schema of its model; its first output is one number.
    /// @param reporter_ Who asks.
    constructor(OptimisticInference game_, Schema memory schema, address reporter_) {
        bytes32 expected = game_.registry().commitmentsOf(game_.modelId()).ioSchemaHash;
        Tensor memory output = schema.outputs[0];
        if (IoSchema.hash(schema) != expected || output.elements != 1 || output.places.length != 0) {
            revert UnsuitableModel();
        }
        if (reporter_ == address(0)) revert NotReporter(reporter_);
        game = game_;
        reporter = reporter_;
        // Claims hold no context.
        _outputWord = game_.inputWordCount();
        _mask = FieldCodec.firstDigits(1);
        _bits = output.bits;
        _scale = output.scale;
    }

    /// @notice Asks what the model says of an input.
    /// @param inputs Its words.
    /// @return round The question's number.
    function ask(uint256[] calldata inputs) external returns (uint256 round) {
        if (msg.sender != reporter) revert NotReporter(msg.sender);
        if (inputs.length != _outputWord) revert BadInput(_outputWord, inputs.length);
        round = ++roundCount;
        _rounds[round].inputs = keccak256(abi.encode(inputs));
        _rounds[round].askedAt = uint64(block.timestamp);
        emit Asked(round, inputs);
    }

    /// @notice Puts a final claim's answer into the feed.
    /// @param round The question.
    /// @param claimId A claim about its input that is final.
    /// @param words The claim's words.
    function answer(uint256 round, uint256 claimId, uint256[] calldata words) external {
        Round storage data = _rounds[round];
        if (data.askedAt == 0 || data.answeredAt != 0) revert NotOpen(round);
        game.requireFinal(claimId, words);
        if (keccak256(abi.encode(words[:_outputWord])) != data.inputs) revert OtherInput(round);
        uint256 word = words[_outputWord];
        FieldCodec.check(word, _mask, _bits);
        int256 number = FieldCodec.toFixed(FieldCodec.digit(word, 0), _scale, UNIT);
        data.answer = number;
        data.answeredAt = uint64(block.timestamp);
        if (round > latestRound) latestRound = round;
        emit Answered(round, claimId, number);
    }

    /// @notice The answer to the latest question that has one. Check its age.
    /// @return round The question.
    /// @return number The answer, with 18 decimals.
    /// @return askedAt When the question was asked.
    function latestAnswer() external view returns (uint256 round, int256 number, uint256 askedAt) {
        round = latestRound;
        if (round == 0) revert NoAnswer();
        return (round, _rounds[round].answer, _rounds[round].askedAt);
    }

    /// @notice A question and its answer.
    /// @param round Its number.
    /// @return The question.
    function roundOf(uint256 round) external view returns (Round memory) {
        return _rounds[round];
    }
}
