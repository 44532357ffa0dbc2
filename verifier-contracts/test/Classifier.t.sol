// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Models} from "./Models.sol";
import {Sample} from "./Sample.sol";
import {Consumer} from "./ZkmlConsumer.t.sol";
import {IZkmlVerifier} from "../contracts/IZkmlVerifier.sol";
import {PaidClassifier} from "../contracts/examples/PaidClassifier.sol";
import {BatchVerifier} from "../contracts/library/BatchVerifier.sol";
import {ContextSlot, ContextSlots} from "../contracts/library/ContextSlot.sol";
import {FieldCodec} from "../contracts/library/FieldCodec.sol";
import {ContextKind, IoSchema, Schema, Tensor} from "../contracts/library/IoSchema.sol";
import {OptimisticInference, Terms} from "../contracts/library/OptimisticInference.sol";
import {ZkmlConsumer} from "../contracts/library/ZkmlConsumer.sol";
import {ZkmlVerifier as GasVerifier} from "../contracts/w4-r4-g16-t1.sol";

/// @dev A model in the gas profile, with proofs bound to the contracts deployed here: all that the library
/// does, with nothing mocked.
contract ClassifierTest is Models, Sample {
    /// @dev Those of tests/catalogue/classifier.rs.
    address private constant DEPLOYER = 0xdEDEDEDEdEdEdEDedEDeDedEdEdeDedEdEDedEdE;
    address private constant CALLER = 0xcAcacaCacacACaCACaCaCACAcacAcaCACacAcAcA;

    struct Use {
        address consumer;
        uint256 nonce;
        bytes32 context;
        uint256[] instances;
        bytes proof;
    }

    Schema private schema;
    GasVerifier private model;
    bytes32 private id;
    Use[] private uses;
    Consumer private consumer;

    function setUp() public {
        deployRegistry();
        string memory json = vm.readFile("test/fixtures/classifier.json");
        uint256[] memory s = vm.parseJsonUintArray(json, ".sG2");
        address data = create(vm.parseJsonBytes(json, ".vkInitCode"));
        model = new GasVerifier(data, vm.parseJsonBytes32(json, ".vkCodehash"), [s[0], s[1], s[2], s[3]]);
        schema.inputs.push(tensorOf(json, ".schema.inputs[0]"));
        schema.inputs.push(tensorOf(json, ".schema.inputs[1]"));
        schema.outputs.push(tensorOf(json, ".schema.outputs[0]"));
        schema.contextKind = ContextKind(vm.parseJsonUint(json, ".schema.contextKind"));
        schema.contextTensor = uint8(vm.parseJsonUint(json, ".schema.contextTensor"));
        for (uint256 i = 0; i < 4; ++i) {
            string memory root = string.concat(".uses[", vm.toString(i), "]");
            uses.push(
                Use({
                    consumer: address(bytes20(vm.parseJsonBytes(json, string.concat(root, ".consumer")))),
                    nonce: vm.parseJsonUint(json, string.concat(root, ".nonce")),
                    context: vm.parseJsonBytes32(json, string.concat(root, ".context")),
                    instances: vm.parseJsonUintArray(json, string.concat(root, ".instances")),
                    proof: vm.parseJsonBytes(json, string.concat(root, ".proof"))
                })
            );
        }
        bytes32 quantisation = vm.parseJsonBytes32(json, ".schema.quantisationHash");
        vm.prank(OWNER);
        id = registry.register(model, schema, 0, quantisation);
        vm.prank(DEPLOYER);
        consumer = new Consumer(registry);
    }

    function tensorOf(string memory json, string memory root) private pure returns (Tensor memory) {
        return Tensor({
            bits: uint8(vm.parseJsonUint(json, string.concat(root, ".bits"))),
            scale: int16(vm.parseJsonInt(json, string.concat(root, ".scale"))),
            lanes: uint8(vm.parseJsonUint(json, string.concat(root, ".lanes"))),
            elements: uint16(vm.parseJsonUint(json, string.concat(root, ".elements"))),
            places: vm.parseJsonBytes(json, string.concat(root, ".places"))
        });
    }

    /// @dev The words that are not the context's: inputs, then outputs.
    function claimWords(uint256[] memory instances) private view returns (uint256[] memory w) {
        uint256 first = IoSchema.firstWord(schema, 1);
        uint256 count = IoSchema.wordsOf(schema.inputs[1]);
        w = new uint256[](instances.length - count);
        for (uint256 i = 0; i < w.length; ++i) {
            w[i] = instances[i < first ? i : i + count];
        }
    }

    function testSchemaIsWhatTheExporterSays() public view {
        string memory json = vm.readFile("test/fixtures/classifier.json");
        assertEq(keccak256(abi.encode(schema)), vm.parseJsonBytes32(json, ".schema.ioSchemaHash"), "hash");
        assertEq(keccak256(abi.encode(schema)), keccak256(vm.parseJsonBytes(json, ".schema.abi")), "abi");
        assertTrue(schema.contextKind == ContextKind.Bytes && schema.contextTensor == 1, "context");
        assertEq(registry.commitmentsOf(id).ioSchemaHash, keccak256(abi.encode(schema)), "registry");
    }

    function testConsumes() public {
        for (uint256 i = 0; i < 2; ++i) {
            Use memory use = uses[i];
            assertEq(address(consumer), use.consumer, "address");
            bytes32 context = consumer.contextOf(CALLER, use.nonce, type(uint256).max);
            assertEq(context, use.context, "context");
            vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
            consumer.consume(id, use.proof, use.instances, use.nonce, type(uint256).max);
            vm.startPrank(CALLER);
            vm.expectPartialRevert(ZkmlConsumer.WrongContext.selector);
            consumer.consume(id, use.proof, use.instances, use.nonce + 1, type(uint256).max);
            consumer.consume(id, use.proof, use.instances, use.nonce, type(uint256).max);
            vm.expectPartialRevert(ZkmlConsumer.AlreadySpent.selector);
            consumer.consume(id, use.proof, use.instances, use.nonce, type(uint256).max);
            vm.stopPrank();
        }
    }

    /// The context's words replaced by those of another use: the contract is satisfied, the proof is not.
    function testContextCannotBeReplaced() public {
        Use memory use = uses[0];
        bytes32 context = consumer.contextOf(address(this), 7, type(uint256).max);
        uint256 first = IoSchema.firstWord(schema, 1);
        ContextSlot slot = IoSchema.contextSlot(schema);
        for (uint256 i = 0; i < ContextSlots.wordCount(slot); ++i) {
            use.instances[first + i] = ContextSlots.wordAt(slot, context, i);
        }
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        consumer.consume(id, use.proof, use.instances, 7, type(uint256).max);
    }

    function testBatchOfBoundProofs() public {
        BatchVerifier batch = new BatchVerifier();
        bytes[] memory proofs = new bytes[](2);
        uint256[][] memory instances = new uint256[][](2);
        for (uint256 i = 0; i < 2; ++i) (proofs[i], instances[i]) = (uses[i].proof, uses[i].instances);
        (proofs[0], proofs[1]) = (proofs[1], proofs[0]);
        vm.startPrank(CALLER);
        vm.expectRevert(BatchVerifier.InvalidBatch.selector);
        consumer.consumeBatch(batch, id, proofs, instances, 7);
        (proofs[0], proofs[1]) = (proofs[1], proofs[0]);
        consumer.consumeBatch(batch, id, proofs, instances, 7);
        vm.stopPrank();
    }

    /// Two verifiers of different machines, one reference string.
    function testBatchAcrossMachines() public {
        deploySample();
        BatchVerifier batch = new BatchVerifier();
        IZkmlVerifier[] memory verifiers = new IZkmlVerifier[](3);
        bytes[] memory proofs = new bytes[](3);
        uint256[][] memory instances = new uint256[][](3);
        (verifiers[0], proofs[0], instances[0]) = (model, uses[0].proof, uses[0].instances);
        (verifiers[1], proofs[1], instances[1]) = (verifier, proof, words);
        (verifiers[2], proofs[2], instances[2]) = (model, uses[3].proof, uses[3].instances);
        batch.verifyBatch(verifiers, proofs, instances);
        instances[1] = new uint256[](words.length);
        vm.expectRevert(BatchVerifier.InvalidBatch.selector);
        batch.verifyBatch(verifiers, proofs, instances);
    }

    function testSettlesAnOptimisticGame() public {
        Terms memory terms = Terms({
            claimBond: 3 ether,
            challengeBond: 2 ether,
            forfeit: 1 ether,
            challengeWindow: 1 days,
            proveWindow: 2 hours,
            sink: address(0x51)
        });
        vm.prank(DEPLOYER);
        OptimisticInference game = new OptimisticInference(registry, id, schema, terms);
        Use memory use = uses[2];
        assertEq(address(game), use.consumer, "address");
        uint256[] memory w = claimWords(use.instances);
        vm.deal(address(this), 10 ether);
        uint256 claim = game.propose{value: 3 ether}(w);
        assertEq(claim, use.nonce, "the claim that the proof is for");
        assertEq(game.contextOf(claim, CALLER), use.context, "context");
        game.challenge{value: 2 ether}(claim);
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        game.prove(claim, w, use.proof);
        vm.prank(CALLER);
        game.prove(claim, w, use.proof);
        game.requireFinal(claim, w);
        assertEq(game.credit(CALLER), 2 ether, "the prover's reward");

        // A false claim about the same input, disproven by the same means, needs a proof of its own: this
        // one is for claim 1.
        w[w.length - 1] ^= 1;
        uint256 lie = game.propose{value: 3 ether}(w);
        game.challenge{value: 2 ether}(lie);
        vm.prank(CALLER);
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        game.disprove(lie, w, claimWords(use.instances), use.proof);
    }

    function testSettlesAnEscrow() public {
        // Number 1 is the game's.
        vm.prank(DEPLOYER);
        new BatchVerifier();
        vm.prank(DEPLOYER);
        PaidClassifier escrow = new PaidClassifier(registry, id, schema);
        Use memory use = uses[3];
        assertEq(address(escrow), use.consumer, "address");
        int256[] memory scores = IoSchema.decode(schema.outputs[0], use.instances, use.instances.length - 1);
        uint256[] memory input = new uint256[](IoSchema.wordsOf(schema.inputs[0]));
        for (uint256 i = 0; i < input.length; ++i) input[i] = use.instances[i];
        vm.deal(address(this), 10 ether);
        uint16 class = uint16(FieldCodec.argmax(scores));
        uint256 job = escrow.open{value: 10 ether}(address(0xb0b), class, 1 ether, type(uint64).max, input);
        assertEq(job, use.nonce, "the job that the proof is for");
        vm.prank(CALLER);
        escrow.settle(job, use.proof, use.instances);
        assertEq(escrow.credit(address(0xb0b)), 9 ether, "paid");
        assertEq(escrow.credit(CALLER), 1 ether, "the prover's fee");
    }

    /// The input that was proven, decoded: what the Rust test put in.
    function testInputIsTheOneProven() public view {
        int256[] memory x = IoSchema.decode(schema.inputs[0], uses[0].instances, 0);
        int8[6] memory expected = [int8(-3), 14, -15, 9, 2, 6];
        for (uint256 i = 0; i < 6; ++i) assertEq(x[i], expected[i], "input");
    }

    function testFuzzFlippedBit(uint256 place) public view {
        bytes memory changed = uses[0].proof;
        place %= changed.length * 8;
        changed[place / 8] ^= bytes1(uint8(1 << (place % 8)));
        assertTrue(!model.tryVerify(changed, uses[0].instances), "flipped bit");
    }
}
