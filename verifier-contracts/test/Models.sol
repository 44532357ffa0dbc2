// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Test} from "./Test.sol";
import {FieldCodec} from "../contracts/library/FieldCodec.sol";
import {ContextSlots} from "../contracts/library/ContextSlot.sol";
import {ContextKind, IoSchema, Schema, Tensor} from "../contracts/library/IoSchema.sol";
import {ModelRegistry} from "../contracts/library/ModelRegistry.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";

/// @dev Models for tests: four input values, then outputs, with or without a context.
abstract contract Models is Test {
    address internal constant OWNER = address(0x0111);
    bytes32 internal constant DIGEST = keccak256("a model");
    uint256 internal constant DELAY = 2 days;

    ModelRegistry internal registry;

    function deployRegistry() internal {
        registry = new ModelRegistry(OWNER, DELAY);
    }

    /// @dev Four inputs of 9 bits in two words; `outputs` values of 9 bits, scale 3, in words of two; then
    /// the context's bytes in words of four.
    function schemaOf(uint16 outputs, ContextKind kind) internal pure returns (Schema memory schema) {
        schema.inputs = new Tensor[](1);
        schema.inputs[0] = Tensor({bits: 9, scale: 7, lanes: 2, elements: 4, places: ""});
        schema.outputs = new Tensor[](kind == ContextKind.Bytes ? 2 : 1);
        schema.outputs[0] = Tensor({bits: 9, scale: 3, lanes: 2, elements: outputs, places: ""});
        if (kind == ContextKind.Bytes) {
            schema.outputs[1] = Tensor({bits: 10, scale: 0, lanes: 4, elements: 32, places: ""});
            schema.contextTensor = 2;
        }
        schema.contextKind = kind;
    }

    function register(Schema memory schema) internal returns (bytes32 modelId, MockVerifier mock) {
        mock = new MockVerifier(DIGEST, IoSchema.countWords(schema));
        vm.prank(OWNER);
        modelId = registry.register(mock, schema, bytes32(0), keccak256("quantisation"));
    }

    /// @dev Words of the inputs `1, 2, 3, 4` shifted by `seed`.
    function inputWords(uint256 seed) internal pure returns (uint256[] memory) {
        int256[] memory values = new int256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            values[i] = int256((seed + i + 1) % 200);
        }
        return FieldCodec.pack(values, 2, 9);
    }

    function outputWords(int256[] memory values) internal pure returns (uint256[] memory) {
        return FieldCodec.pack(values, 2, 9);
    }

    function concat(uint256[] memory a, uint256[] memory b) internal pure returns (uint256[] memory c) {
        c = new uint256[](a.length + b.length);
        for (uint256 i = 0; i < c.length; ++i) {
            c[i] = i < a.length ? a[i] : b[i - a.length];
        }
    }

    /// @dev A context's words, computed as a user would: its bytes as integers, packed.
    function contextWords(bytes32 context, ContextKind kind) internal pure returns (uint256[] memory words) {
        if (kind == ContextKind.None) return words;
        if (kind == ContextKind.Word) {
            words = new uint256[](1);
            words[0] = uint256(context) >> 8;
            return words;
        }
        int256[] memory values = new int256[](32);
        for (uint256 i = 0; i < 32; ++i) {
            values[i] = int256(uint256(uint8(context[i])));
        }
        return FieldCodec.pack(values, 4, 10);
    }
}
