// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Models} from "./Models.sol";
import {Sample} from "./Sample.sol";
import {IZkmlVerifier} from "../contracts/IZkmlVerifier.sol";
import {ContextSlots} from "../contracts/library/ContextSlot.sol";
import {Commitments, Model, ModelState} from "../contracts/library/IModelRegistry.sol";
import {ContextKind, IoSchema, Schema} from "../contracts/library/IoSchema.sol";
import {ModelRegistry} from "../contracts/library/ModelRegistry.sol";
import {Owned2Step} from "../contracts/library/Owned2Step.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";

/// @dev Ids, one-way states, aliases and ownership.
contract ModelRegistryTest is Models, Sample {
    using ContextSlots for *;

    bytes32 private constant NAME = "prod";

    function setUp() public {
        deployRegistry();
        vm.warp(1_700_000_000);
    }

    function testIdBindsEverything() public {
        deploySample();
        vm.prank(OWNER);
        bytes32 id = registry.register(verifier, sampleSchema(), keccak256("w"), keccak256("q"));
        Commitments memory c = Commitments({
            verifierCodehash: address(verifier).codehash,
            vkDigest: digest,
            weightsCommitment: keccak256("w"),
            ioSchemaHash: keccak256(abi.encode(sampleSchema())),
            quantisationHash: keccak256("q"),
            srsId: keccak256(abi.encode(sG2))
        });
        assertEq(id, keccak256(abi.encode(c)), "id");
        assertEq(registry.idOf(c), id, "idOf");
        require(keccak256(abi.encode(registry.commitmentsOf(id))) == keccak256(abi.encode(c)), "commitments");
        Model memory model = registry.modelOf(id);
        assertEq(address(model.verifier), address(verifier), "verifier");
        assertTrue(model.state == ModelState.Active && model.context.isNone(), "state");
        assertEq(model.numInstances, words.length, "words");

        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.AlreadyRegistered.selector, id));
        registry.register(verifier, sampleSchema(), keccak256("w"), keccak256("q"));
        // Each part makes another id.
        vm.startPrank(OWNER);
        assertTrue(registry.register(verifier, sampleSchema(), keccak256("v"), keccak256("q")) != id, "weights");
        assertTrue(registry.register(verifier, sampleSchema(), keccak256("w"), keccak256("p")) != id, "quantisation");
        Schema memory schema = sampleSchema();
        schema.outputs[0].scale = 1;
        assertTrue(registry.register(verifier, schema, keccak256("w"), keccak256("q")) != id, "schema");
        vm.stopPrank();
    }

    function testContextIsRead() public {
        (bytes32 id,) = register(schemaOf(3, ContextKind.Bytes));
        Model memory model = registry.modelOf(id);
        assertEq(model.context.firstWord(), 4, "first");
        assertEq(model.context.wordCount(), 8, "count");
        assertEq(model.numInstances, 12, "words");
        (id,) = register(schemaOf(3, ContextKind.Word));
        model = registry.modelOf(id);
        assertEq(model.context.firstWord(), 4, "first");
        assertEq(model.context.wordCount(), 1, "count");
        assertEq(model.numInstances, 5, "words");
    }

    function testRefusals() public {
        Schema memory schema = schemaOf(3, ContextKind.None);
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NoCode.selector, address(0xdead)));
        registry.register(IZkmlVerifier(address(0xdead)), schema, 0, 0);
        MockVerifier other = new MockVerifier(DIGEST, 5);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.WordCount.selector, 4, 5));
        registry.register(other, schema, 0, 0);
        MockVerifier keyless = new MockVerifier(0, 4);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NoKey.selector, address(keyless)));
        registry.register(keyless, schema, 0, 0);
        // A contract that is no verifier.
        vm.expectRevert();
        registry.register(IZkmlVerifier(address(this)), schema, 0, 0);
        schema.outputs[0].bits = 17;
        MockVerifier good = new MockVerifier(DIGEST, 4);
        vm.expectRevert(IoSchema.BadSchema.selector);
        registry.register(good, schema, 0, 0);
        vm.stopPrank();
        assertTrue(registry.modelOf(keccak256("unknown")).state == ModelState.None, "unknown");
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.BadDelay.selector, 1 hours - 1));
        new ModelRegistry(OWNER, 1 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.BadDelay.selector, 30 days + 1));
        new ModelRegistry(OWNER, 30 days + 1);
        vm.expectRevert(Owned2Step.NoOwner.selector);
        new ModelRegistry(address(0), DELAY);
    }

    /// From each state, each step: only forward ones pass.
    function testFuzzStatesMoveOneWay(uint8[8] calldata steps) public {
        (bytes32 id,) = register(schemaOf(3, ContextKind.None));
        uint8 before = uint8(ModelState.Active);
        for (uint256 i = 0; i < steps.length; ++i) {
            bool deprecates = steps[i] % 2 == 0;
            bool allowed = deprecates
                ? before == uint8(ModelState.Active)
                : before != uint8(ModelState.Revoked);
            vm.prank(OWNER);
            if (!allowed) {
                vm.expectRevert(abi.encodeWithSelector(ModelRegistry.WrongState.selector, id, before));
            }
            if (deprecates) registry.deprecate(id);
            else registry.revoke(id);
            uint8 state = uint8(registry.modelOf(id).state);
            assertTrue(state >= before, "never back");
            before = state;
        }
    }

    function testUnknownModelsHaveNoStates() public {
        bytes32 id = keccak256("unknown");
        vm.startPrank(OWNER);
        bytes memory wrong = abi.encodeWithSelector(ModelRegistry.WrongState.selector, id, 0);
        vm.expectRevert(wrong);
        registry.deprecate(id);
        vm.expectRevert(wrong);
        registry.revoke(id);
        vm.expectRevert(wrong);
        registry.proposeAlias(NAME, id);
        vm.stopPrank();
    }

    function testAliasWaits() public {
        (bytes32 id,) = register(schemaOf(3, ContextKind.None));
        (bytes32 next,) = register(schemaOf(5, ContextKind.None));
        uint256 ready = block.timestamp + DELAY;
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NoProposal.selector, NAME));
        registry.acceptAlias(NAME);
        registry.proposeAlias(NAME, id);
        assertEq(registry.aliasOf(NAME), 0, "not yet");
        vm.warp(ready - 1);
        bytes memory early =
            abi.encodeWithSelector(ModelRegistry.NotReady.selector, ready, ready + 14 days);
        vm.expectRevert(early);
        registry.acceptAlias(NAME);
        vm.warp(ready + 14 days + 1);
        vm.expectRevert(early);
        registry.acceptAlias(NAME);
        vm.warp(ready + 14 days);
        registry.acceptAlias(NAME);
        assertEq(registry.aliasOf(NAME), id, "moved");
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NoProposal.selector, NAME));
        registry.acceptAlias(NAME);

        registry.proposeAlias(NAME, next);
        // A new proposal starts the clock again.
        vm.warp(block.timestamp + DELAY - 1);
        registry.proposeAlias(NAME, next);
        vm.warp(block.timestamp + 1);
        vm.expectPartialRevert(ModelRegistry.NotReady.selector);
        registry.acceptAlias(NAME);
        registry.cancelAlias(NAME);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NoProposal.selector, NAME));
        registry.acceptAlias(NAME);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.NoProposal.selector, NAME));
        registry.cancelAlias(NAME);
        assertEq(registry.aliasOf(NAME), id, "still");

        // A model that is not active any more cannot be pointed to.
        registry.proposeAlias(NAME, next);
        vm.warp(block.timestamp + DELAY);
        registry.deprecate(next);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.WrongState.selector, next, 2));
        registry.acceptAlias(NAME);
        vm.stopPrank();
    }

    function testFuzzOnlyTheOwner(address stranger) public {
        if (stranger == OWNER) return;
        (bytes32 id, MockVerifier mock) = register(schemaOf(3, ContextKind.None));
        bytes memory denied = abi.encodeWithSelector(Owned2Step.NotOwner.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(denied);
        registry.register(mock, schemaOf(3, ContextKind.None), 0, 0);
        vm.expectRevert(denied);
        registry.deprecate(id);
        vm.expectRevert(denied);
        registry.revoke(id);
        vm.expectRevert(denied);
        registry.proposeAlias(NAME, id);
        vm.expectRevert(denied);
        registry.acceptAlias(NAME);
        vm.expectRevert(denied);
        registry.cancelAlias(NAME);
        vm.expectRevert(denied);
        registry.transferOwnership(stranger);
        vm.expectRevert(abi.encodeWithSelector(Owned2Step.NotPendingOwner.selector, stranger));
        registry.acceptOwnership();
        vm.stopPrank();
    }

    function testOwnershipTakesTwoSteps() public {
        address next = address(0x0222);
        vm.prank(OWNER);
        registry.transferOwnership(next);
        assertEq(registry.owner(), OWNER, "not yet");
        vm.prank(next);
        registry.acceptOwnership();
        assertEq(registry.owner(), next, "now");
        assertEq(registry.pendingOwner(), address(0), "done");
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(Owned2Step.NotOwner.selector, OWNER));
        registry.transferOwnership(OWNER);
        vm.prank(next);
        registry.transferOwnership(OWNER);
        vm.prank(next);
        registry.transferOwnership(address(0));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(Owned2Step.NotPendingOwner.selector, OWNER));
        registry.acceptOwnership();
    }

    function testMocksStayOnDevelopmentChains() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(MockVerifier.NotADevelopmentChain.selector, 1));
        new MockVerifier(DIGEST, 1);
    }
}
