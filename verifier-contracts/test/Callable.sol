// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ContextSlot, ContextSlots} from "../contracts/library/ContextSlot.sol";
import {FieldCodec} from "../contracts/library/FieldCodec.sol";
import {IoSchema, Schema, Tensor} from "../contracts/library/IoSchema.sol";
import {IModelRegistry} from "../contracts/library/IModelRegistry.sol";
import {ZkmlConsumer} from "../contracts/library/ZkmlConsumer.sol";

/// @dev The library's internal functions, callable from outside: the TypeScript package is compared with
/// them (`ts/test/chain.test.ts`).
contract Callable is ZkmlConsumer {
    constructor(IModelRegistry registry_) ZkmlConsumer(registry_) {}

    function isPacking(uint256 word, uint256 mask, uint256 bits) external pure returns (bool) {
        return FieldCodec.isPacking(word, mask, bits);
    }

    function toFixed(int256 value, int256 scale, uint256 unit) external pure returns (int256) {
        return FieldCodec.toFixed(value, scale, unit);
    }

    function fromFixed(int256 number, int256 scale, uint256 unit, uint256 bits) external pure returns (int256) {
        return FieldCodec.fromFixed(number, scale, unit, bits);
    }

    function argmax(int256[] memory values) external pure returns (uint256) {
        return FieldCodec.argmax(values);
    }

    /// @dev The schema's hash, if it is well formed.
    function check(Schema memory schema) external pure returns (bytes32) {
        IoSchema.check(schema);
        return IoSchema.hash(schema);
    }

    function hash(Schema memory schema) external pure returns (bytes32) {
        return IoSchema.hash(schema);
    }

    function countWords(Schema memory schema) external pure returns (uint256) {
        return IoSchema.countWords(schema);
    }

    function decode(Tensor memory tensor, uint256[] memory words, uint256 first)
        external
        pure
        returns (int256[] memory)
    {
        return IoSchema.decode(tensor, words, first);
    }

    function encode(Tensor memory tensor, int256[] memory values) external pure returns (uint256[] memory) {
        return IoSchema.encode(tensor, values);
    }

    function carries(Schema memory schema, bytes32 context, uint256[] calldata instances) external pure returns (bool) {
        return ContextSlots.carries(IoSchema.contextSlot(schema), context, instances);
    }

    function insert(Schema memory schema, bytes32 context, uint256[] calldata words)
        external
        pure
        returns (uint256[] memory)
    {
        return ContextSlots.insert(IoSchema.contextSlot(schema), context, words);
    }

    /// @dev Accepts a statement, as a consumer does.
    function consume(
        bytes32 modelId,
        bytes calldata proof,
        uint256[] calldata instances,
        uint256 nonce,
        uint256 deadline
    ) external returns (bytes32) {
        return _consume(modelId, proof, instances, nonce, deadline);
    }
}
