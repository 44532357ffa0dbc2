// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Models} from "./Models.sol";
import {PaidClassifier} from "../contracts/examples/PaidClassifier.sol";
import {FieldCodec} from "../contracts/library/FieldCodec.sol";
import {ContextKind, Schema, Tensor} from "../contracts/library/IoSchema.sol";
import {ZkmlConsumer} from "../contracts/library/ZkmlConsumer.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";

/// @dev The escrow that a classifier decides.
contract PaidClassifierTest is Models {
    address private constant PAYER = address(0xa11ce);
    address private constant SELLER = address(0xb0b);
    address private constant PROVER = address(0xca401);
    bytes private constant PROOF = hex"1234";

    PaidClassifier private escrow;
    MockVerifier private mock;
    bytes32 private id;
    uint64 private until;

    function setUp() public {
        deployRegistry();
        vm.warp(1_700_000_000);
        until = uint64(block.timestamp + 1 days);
        (id, mock) = register(schemaOf(3, ContextKind.Bytes));
        escrow = new PaidClassifier(registry, id, schemaOf(3, ContextKind.Bytes));
        vm.deal(PAYER, 100 ether);
    }

    function open(uint16 class) private returns (uint256) {
        vm.prank(PAYER);
        return escrow.open{value: 10 ether}(SELLER, class, 1 ether, until, inputWords(0));
    }

    /// @dev What a prover hands in for a job: the mock takes it for proven.
    function answer(uint256 job, uint256 seed, int256[] memory scores, address prover)
        private
        returns (uint256[] memory instances)
    {
        bytes32 context = escrow.contextOf(prover, job, until);
        instances = concat(
            concat(inputWords(seed), outputWords(scores)), contextWords(context, ContextKind.Bytes)
        );
        mock.setValid(PROOF, instances);
    }

    function scoresOf(int256 a, int256 b, int256 c) private pure returns (int256[] memory scores) {
        scores = new int256[](3);
        (scores[0], scores[1], scores[2]) = (a, b, c);
    }

    function settle(uint256 job, uint256[] memory instances) private {
        vm.prank(PROVER);
        escrow.settle(job, PROOF, instances);
    }

    function credits(uint256 payer, uint256 seller, uint256 prover) private view {
        assertEq(escrow.credit(PAYER), payer, "the payer's credit");
        assertEq(escrow.credit(SELLER), seller, "the seller's credit");
        assertEq(escrow.credit(PROVER), prover, "the prover's credit");
    }

    function testAgreedClassPays() public {
        uint256 job = open(2);
        settle(job, answer(job, 0, scoresOf(-5, 3, 7), PROVER));
        credits(0, 9 ether, 1 ether);
        vm.prank(SELLER);
        escrow.withdraw(payable(SELLER));
        assertEq(SELLER.balance, 9 ether, "paid");
    }

    function testOtherClassReturns() public {
        uint256 job = open(2);
        settle(job, answer(job, 0, scoresOf(-5, 7, 7), PROVER));
        credits(9 ether, 0, 1 ether);
    }

    function testFuzzPaysIfAndOnlyIfAgreed(int8[3] calldata raw, uint16 class) public {
        class %= 3;
        uint256 job = open(class);
        int256[] memory scores = scoresOf(raw[0], raw[1], raw[2]);
        settle(job, answer(job, 0, scores, PROVER));
        bool agreed = FieldCodec.argmax(scores) == class;
        credits(agreed ? 0 : 9 ether, agreed ? 9 ether : 0, 1 ether);
    }

    function testOtherInputsDoNotCount() public {
        uint256 job = open(2);
        uint256[] memory instances = answer(job, 1, scoresOf(-5, 3, 7), PROVER);
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(PaidClassifier.OtherInput.selector, job));
        escrow.settle(job, PROOF, instances);
    }

    function testCopiedProofsDoNotCount() public {
        uint256 job = open(2);
        uint256[] memory instances = answer(job, 0, scoresOf(-5, 3, 7), PROVER);
        vm.prank(SELLER);
        vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
        escrow.settle(job, PROOF, instances);
        // Nor for a second job on the same input.
        uint256 twin = open(2);
        vm.prank(PROVER);
        vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
        escrow.settle(twin, PROOF, instances);
        settle(job, instances);
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(PaidClassifier.NotOpen.selector, job));
        escrow.settle(job, PROOF, instances);
    }

    function testDeadline() public {
        uint256 job = open(2);
        uint256[] memory instances = answer(job, 0, scoresOf(-5, 3, 7), PROVER);
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(PaidClassifier.WrongTime.selector, until));
        escrow.cancel(job);
        vm.warp(until + 1);
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(ZkmlConsumer.Expired.selector, until));
        escrow.settle(job, PROOF, instances);
        escrow.cancel(job);
        credits(10 ether, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(PaidClassifier.NotOpen.selector, job));
        escrow.cancel(job);
        // At the last second it can still be settled.
        vm.warp(until - 1 days);
        job = open(2);
        instances = answer(job, 0, scoresOf(-5, 3, 7), PROVER);
        vm.warp(until);
        settle(job, instances);
    }

    function testBadJobs() public {
        vm.startPrank(PAYER);
        vm.expectRevert(PaidClassifier.BadJob.selector);
        escrow.open{value: 10 ether}(SELLER, 3, 1 ether, until, inputWords(0));
        vm.expectRevert(PaidClassifier.BadJob.selector);
        escrow.open{value: 1 ether - 1}(SELLER, 2, 1 ether, until, inputWords(0));
        vm.expectRevert(PaidClassifier.BadJob.selector);
        escrow.open{value: 10 ether}(SELLER, 2, 1 ether, until, new uint256[](3));
        vm.expectRevert(abi.encodeWithSelector(PaidClassifier.WrongTime.selector, block.timestamp));
        escrow.open{value: 10 ether}(SELLER, 2, 1 ether, uint64(block.timestamp), inputWords(0));
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(PaidClassifier.NotOpen.selector, 1));
        escrow.cancel(1);
    }

    function testUnsuitableModels() public {
        Schema memory schema = schemaOf(3, ContextKind.None);
        unsuitable(schema);
        // The only output is the context.
        schema = schemaOf(3, ContextKind.Bytes);
        (schema.outputs[0], schema.outputs[1]) = (schema.outputs[1], schema.outputs[0]);
        schema.contextTensor = 1;
        unsuitable(schema);
        // A second input that nobody accounts for.
        schema = schemaOf(3, ContextKind.Bytes);
        Tensor memory input = schema.inputs[0];
        schema.inputs = new Tensor[](2);
        (schema.inputs[0], schema.inputs[1]) = (input, input);
        schema.contextTensor = 3;
        unsuitable(schema);
        schema.inputs = new Tensor[](0);
        schema.contextTensor = 1;
        unsuitable(schema);
        schema = schemaOf(3, ContextKind.Word);
        schema.outputs[0].places = hex"0001000000020003ffffffff";
        schema.outputs[0].elements = 4;
        unsuitable(schema);
        schema = schemaOf(3, ContextKind.Word);
        (bytes32 good,) = register(schema);
        new PaidClassifier(registry, good, schema);
        schema.outputs[0].scale += 1;
        vm.expectRevert(PaidClassifier.UnsuitableModel.selector);
        new PaidClassifier(registry, good, schema);
    }

    function unsuitable(Schema memory schema) private {
        (bytes32 model,) = register(schema);
        vm.expectRevert(PaidClassifier.UnsuitableModel.selector);
        new PaidClassifier(registry, model, schema);
    }
}
