// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Test} from "./Test.sol";
import {ContextKind, Schema, Tensor} from "../contracts/library/IoSchema.sol";
import {ZkmlVerifier} from "../contracts/sample.sol";

/// @dev The generated verifier of the sample circuit, with a proof made by the Rust prover.
abstract contract Sample is Test {
    ZkmlVerifier internal verifier;
    address internal key;
    bytes32 internal codehash;
    bytes32 internal digest;
    uint256[4] internal sG2;
    bytes internal proof;
    uint256[] internal words;

    function deploySample() internal {
        string memory json = vm.readFile("test/fixtures/sample.json");
        codehash = vm.parseJsonBytes32(json, ".vkCodehash");
        digest = vm.parseJsonBytes32(json, ".vkDigest");
        uint256[] memory s = vm.parseJsonUintArray(json, ".sG2");
        sG2 = [s[0], s[1], s[2], s[3]];
        proof = vm.parseJsonBytes(json, ".proof");
        words = vm.parseJsonUintArray(json, ".words");
        key = create(vm.parseJsonBytes(json, ".vkInitCode"));
        verifier = new ZkmlVerifier(key, codehash, sG2);
    }

    /// @dev A schema with the sample's number of words. (They are no packings: the sample circuit is no
    /// model.)
    function sampleSchema() internal view returns (Schema memory schema) {
        schema.outputs = new Tensor[](1);
        schema.outputs[0] =
            Tensor({bits: 16, scale: 0, lanes: 1, elements: uint16(words.length), places: ""});
        schema.contextKind = ContextKind.None;
    }
}
