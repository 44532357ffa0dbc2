// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Models} from "./Models.sol";
import {Vm} from "./Test.sol";
import {Sample} from "./Sample.sol";
import {IZkmlVerifier} from "../contracts/IZkmlVerifier.sol";
import {BatchVerifier} from "../contracts/library/BatchVerifier.sol";
import {IModelRegistry, Model, ModelState} from "../contracts/library/IModelRegistry.sol";
import {ContextKind} from "../contracts/library/IoSchema.sol";
import {ZkmlConsumer} from "../contracts/library/ZkmlConsumer.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";

/// @dev A consumer that accepts anything.
contract Consumer is ZkmlConsumer {
    bool public lenient;

    constructor(IModelRegistry registry_) ZkmlConsumer(registry_) {}

    function setLenient(bool value) external {
        lenient = value;
    }

    function consume(
        bytes32 modelId,
        bytes calldata proof,
        uint256[] calldata instances,
        uint256 nonce,
        uint256 deadline
    ) external returns (bytes32) {
        return _consume(modelId, proof, instances, nonce, deadline);
    }

    function consumeUnbound(bytes32 modelId, bytes calldata proof, uint256[] calldata instances)
        external
        returns (bytes32)
    {
        return _consumeUnbound(modelId, proof, instances);
    }

    function consumeBatch(
        BatchVerifier batch,
        bytes32 modelId,
        bytes[] calldata proofs,
        uint256[][] calldata instances,
        uint256 firstNonce
    ) external {
        IZkmlVerifier[] memory verifiers = new IZkmlVerifier[](proofs.length);
        for (uint256 i = 0; i < proofs.length; ++i) {
            (Model memory model,) = _bind(modelId, instances[i], firstNonce + i, type(uint256).max);
            verifiers[i] = model.verifier;
        }
        batch.verifyBatch(verifiers, proofs, instances);
    }

    function _acceptsDeprecated(bytes32) internal view override returns (bool) {
        return lenient;
    }
}

contract ZkmlConsumerTest is Models, Sample {
    address private constant ALICE = address(0xa11ce);
    bytes private constant PROOF = hex"1234";

    Consumer private consumer;
    MockVerifier private mock;
    bytes32 private id;
    uint256 private deadline;

    function setUp() public {
        deployRegistry();
        consumer = new Consumer(registry);
        (id, mock) = register(schemaOf(3, ContextKind.Bytes));
        vm.warp(1_700_000_000);
        deadline = block.timestamp + 1 hours;
    }

    /// @dev A statement of `model` with the context of this use, which the mock takes for proven.
    function proven(MockVerifier model, ContextKind kind, address caller, uint256 nonce)
        private
        returns (uint256[] memory instances)
    {
        int256[] memory values = new int256[](3);
        values[1] = 5;
        bytes32 context = consumer.contextOf(caller, nonce, deadline);
        instances =
            concat(concat(inputWords(0), outputWords(values)), contextWords(context, kind));
        model.setValid(PROOF, instances);
    }

    function testContextIsTheDocumentedHash() public view {
        bytes32 expected = keccak256(
            abi.encode(
                keccak256(
                    "ZkmlContext(uint256 chainId,address consumer,address caller,uint256 nonce,uint256 deadline)"
                ),
                31337,
                address(consumer),
                ALICE,
                7,
                deadline
            )
        );
        assertEq(consumer.contextOf(ALICE, 7, deadline), expected, "context");
    }

    function testConsumes() public {
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        vm.recordLogs();
        vm.prank(ALICE);
        bytes32 nullifier = consumer.consume(id, PROOF, instances, 7, deadline);
        assertEq(nullifier, keccak256(abi.encode(id, instances)), "nullifier");
        assertTrue(consumer.spent(nullifier), "spent");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory log = logs[logs.length - 1];
        assertEq(log.topics[0], keccak256("InferenceVerified(bytes32,bytes32,address,bytes32)"), "event");
        assertEq(log.topics[1], id, "model");
        assertEq(log.topics[2], consumer.contextOf(ALICE, 7, deadline), "context");
        assertEq(log.topics[3], bytes32(uint256(uint160(ALICE))), "prover");
        assertEq(abi.decode(log.data, (bytes32)), nullifier, "nullifier");
    }

    function testPlainWordContext() public {
        (bytes32 plain, MockVerifier other) = register(schemaOf(3, ContextKind.Word));
        uint256[] memory instances = proven(other, ContextKind.Word, ALICE, 7);
        vm.prank(ALICE);
        vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
        consumer.consume(plain, PROOF, instances, 8, deadline);
        vm.prank(ALICE);
        consumer.consume(plain, PROOF, instances, 7, deadline);
    }

    function testReplayIsRefused() public {
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        vm.startPrank(ALICE);
        bytes32 nullifier = consumer.consume(id, PROOF, instances, 7, deadline);
        bytes memory spent = abi.encodeWithSelector(ZkmlConsumer.AlreadySpent.selector, nullifier);
        vm.expectRevert(spent);
        consumer.consume(id, PROOF, instances, 7, deadline);
        // Another proof of the same statement is the same statement.
        mock.setValid(hex"5678", instances);
        vm.expectRevert(spent);
        consumer.consume(id, hex"5678", instances, 7, deadline);
        vm.expectPartialRevert(ZkmlConsumer.HasContext.selector);
        consumer.consumeUnbound(id, PROOF, instances);
        vm.stopPrank();
    }

    /// Each part of the context counts, whatever it is changed to.
    function testFuzzOtherUses(address caller, uint256 nonce, uint256 until, uint64 chain) public {
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        if (caller != ALICE) refused(caller, 7, deadline, instances);
        if (nonce != 7) refused(ALICE, nonce, deadline, instances);
        until = bound(until, block.timestamp, type(uint256).max - 1);
        if (until != deadline) refused(ALICE, 7, until, instances);
        Consumer other = new Consumer(registry);
        vm.prank(ALICE);
        vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
        other.consume(id, PROOF, instances, 7, deadline);
        if (chain != 31337 && chain != 0) {
            vm.chainId(chain);
            refused(ALICE, 7, deadline, instances);
            vm.chainId(31337);
        }
        vm.prank(ALICE);
        consumer.consume(id, PROOF, instances, 7, deadline);
    }

    function refused(address caller, uint256 nonce, uint256 until, uint256[] memory instances) private {
        bytes32 expected = consumer.contextOf(caller, nonce, until);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ZkmlConsumer.WrongContext.selector, expected));
        consumer.consume(id, PROOF, instances, nonce, until);
    }

    function testDeadlineIsInclusive() public {
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        vm.warp(deadline + 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(ZkmlConsumer.Expired.selector, deadline));
        consumer.consume(id, PROOF, instances, 7, deadline);
        vm.warp(deadline);
        vm.prank(ALICE);
        consumer.consume(id, PROOF, instances, 7, deadline);
    }

    function testWrongProofsSpendNothing() public {
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        vm.startPrank(ALICE);
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        consumer.consume(id, hex"00", instances, 7, deadline);
        uint256[] memory fewer = new uint256[](11);
        vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
        consumer.consume(id, PROOF, fewer, 7, deadline);
        assertTrue(!consumer.spent(consumer.nullifierOf(id, instances)), "not spent");
        consumer.consume(id, PROOF, instances, 7, deadline);
        vm.stopPrank();
    }

    function testStates() public {
        bytes32 unknown = keccak256("unknown");
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        notUsable(unknown, ModelState.None, instances);
        vm.prank(OWNER);
        registry.deprecate(id);
        notUsable(id, ModelState.Deprecated, instances);
        consumer.setLenient(true);
        vm.prank(ALICE);
        consumer.consume(id, PROOF, instances, 7, deadline);
        vm.prank(OWNER);
        registry.revoke(id);
        notUsable(id, ModelState.Revoked, proven(mock, ContextKind.Bytes, ALICE, 8));
        notUsable(unknown, ModelState.None, instances);
    }

    function notUsable(bytes32 model, ModelState state, uint256[] memory instances) private {
        bytes memory expected =
            abi.encodeWithSelector(ZkmlConsumer.ModelNotUsable.selector, model, state);
        vm.startPrank(ALICE);
        vm.expectRevert(expected);
        consumer.consume(model, PROOF, instances, 7, deadline);
        vm.expectRevert(expected);
        consumer.consumeUnbound(model, PROOF, instances);
        vm.stopPrank();
    }

    /// A verifier that accepts everything does not get around context, state or nullifier.
    function testCarelessVerifier() public {
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        mock.setAcceptsAll(true);
        refused(ALICE, 8, deadline, instances);
        refused(address(0xb0b), 7, deadline, instances);
        vm.startPrank(ALICE);
        consumer.consume(id, "", instances, 7, deadline);
        vm.expectPartialRevert(ZkmlConsumer.AlreadySpent.selector);
        consumer.consume(id, "", instances, 7, deadline);
        vm.stopPrank();
    }

    /// A real proof, of a statement without context.
    function testRealProofUnbound() public {
        deploySample();
        vm.prank(OWNER);
        bytes32 sample = registry.register(verifier, sampleSchema(), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ZkmlConsumer.NoContext.selector, sample));
        consumer.consume(sample, proof, words, 7, deadline);
        uint256[] memory changed = words;
        changed[0] ^= 1;
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        consumer.consumeUnbound(sample, proof, changed);
        consumer.consumeUnbound(sample, proof, words);
        vm.expectPartialRevert(ZkmlConsumer.AlreadySpent.selector);
        consumer.consumeUnbound(sample, proof, words);
    }

    /// Unbound, a context would be a word that the prover chooses: the same answer, accepted again and again.
    function testUnboundTakesNoContext() public {
        uint256[] memory instances = proven(mock, ContextKind.Bytes, ALICE, 7);
        vm.expectRevert(abi.encodeWithSelector(ZkmlConsumer.HasContext.selector, id));
        consumer.consumeUnbound(id, PROOF, instances);
    }

    function testBatch() public {
        BatchVerifier batch = new BatchVerifier();
        deadline = type(uint256).max;
        uint256[][] memory instances = new uint256[][](3);
        bytes[] memory proofs = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            instances[i] = proven(mock, ContextKind.Bytes, ALICE, 7 + i);
            proofs[i] = PROOF;
        }
        vm.startPrank(ALICE);
        vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
        consumer.consumeBatch(batch, id, proofs, instances, 8);
        proofs[2] = "";
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        consumer.consumeBatch(batch, id, proofs, instances, 7);
        proofs[2] = PROOF;
        consumer.consumeBatch(batch, id, proofs, instances, 7);
        for (uint256 i = 0; i < 3; ++i) {
            assertTrue(consumer.spent(consumer.nullifierOf(id, instances[i])), "spent");
        }
        vm.stopPrank();
    }

    function testNoRegistry() public {
        vm.expectRevert(ZkmlConsumer.NoRegistry.selector);
        new Consumer(IModelRegistry(address(0xdead)));
    }
}
