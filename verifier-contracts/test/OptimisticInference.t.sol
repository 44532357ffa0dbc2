// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Models} from "./Models.sol";
import {IZkmlVerifier} from "../contracts/IZkmlVerifier.sol";
import {FieldCodec} from "../contracts/library/FieldCodec.sol";
import {ModelState} from "../contracts/library/IModelRegistry.sol";
import {ContextKind, IoSchema, Schema, Tensor} from "../contracts/library/IoSchema.sol";
import {ClaimState, OptimisticInference, Terms} from "../contracts/library/OptimisticInference.sol";
import {PullPayments} from "../contracts/library/PullPayments.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";

/// @dev Takes part in a game and tries to get in again while it is paid.
contract Reentrant {
    OptimisticInference private immutable game;
    uint256 public reentered;

    constructor(OptimisticInference game_) {
        game = game_;
    }

    function propose(uint256[] calldata words) external payable returns (uint256) {
        return game.propose{value: msg.value}(words);
    }

    function withdraw() external {
        game.withdraw(payable(address(this)));
    }

    receive() external payable {
        try game.withdraw(payable(address(this))) {
            ++reentered;
        } catch (bytes memory reason) {
            require(bytes4(reason) == PullPayments.NothingToWithdraw.selector, "reason");
        }
    }
}

contract OptimisticInferenceTest is Models {
    address private constant ALICE = address(0xa11ce);
    address private constant BOB = address(0xb0b);
    address private constant CAROL = address(0xca401);
    address private constant SINK = address(0x51);
    bytes private constant PROOF = hex"1234";
    uint256 private constant CLAIM = 3 ether;
    uint256 private constant CHALLENGE = 2 ether;
    uint256 private constant FORFEIT = 1 ether;
    uint256 private constant WINDOW = 1 days;
    uint256 private constant PROVE = 2 hours;

    OptimisticInference private game;
    MockVerifier private mock;
    bytes32 private id;
    ContextKind private kind;

    function setUp() public {
        deployRegistry();
        vm.warp(1_700_000_000);
        start(ContextKind.Bytes);
        vm.deal(ALICE, 100 ether);
        vm.deal(BOB, 100 ether);
        vm.deal(CAROL, 100 ether);
    }

    function standard() private pure returns (Terms memory) {
        return Terms({
            claimBond: uint128(CLAIM),
            challengeBond: uint128(CHALLENGE),
            forfeit: uint128(FORFEIT),
            challengeWindow: uint32(WINDOW),
            proveWindow: uint32(PROVE),
            sink: SINK
        });
    }

    function start(ContextKind kind_) private {
        kind = kind_;
        (id, mock) = register(schemaOf(3, kind_));
        game = new OptimisticInference(registry, id, schemaOf(3, kind_), standard());
    }

    /// @dev Words of a claim that the model gives `x` on input `seed`.
    function claimWords(uint256 seed, int256 x) private pure returns (uint256[] memory) {
        int256[] memory values = new int256[](3);
        values[0] = x;
        return concat(inputWords(seed), outputWords(values));
    }

    function propose(uint256[] memory words_) private returns (uint256 claim) {
        vm.prank(ALICE);
        return game.propose{value: CLAIM}(words_);
    }

    function challenge(uint256 claim) private {
        vm.prank(BOB);
        game.challenge{value: CHALLENGE}(claim);
    }

    /// @dev Makes the mock take the claim for proven, for this prover.
    function makeProof(uint256 claim, uint256[] memory words_, address prover) private {
        mock.setValid(PROOF, concat(words_, contextWords(game.contextOf(claim, prover), kind)));
    }

    function stateOf(uint256 claim) private view returns (ClaimState) {
        return game.claimOf(claim).state;
    }

    function credits(uint256 alice, uint256 bob, uint256 carol, uint256 sink) private view {
        assertEq(game.credit(ALICE), alice, "Alice's credit");
        assertEq(game.credit(BOB), bob, "Bob's credit");
        assertEq(game.credit(CAROL), carol, "Carol's credit");
        assertEq(game.credit(SINK), sink, "the sink's credit");
        assertTrue(address(game).balance >= alice + bob + carol + sink, "covered");
    }

    function testUnchallengedIsAccepted() public {
        uint256[] memory w = claimWords(0, 5);
        vm.recordLogs();
        uint256 claim = propose(w);
        assertEq(claim, 1, "numbered from 1");
        // The words are in the log, for watchers.
        bytes memory data = vm.getRecordedLogs()[0].data;
        (uint256 until, uint256[] memory said) = abi.decode(data, (uint256, uint256[]));
        assertEq(until, block.timestamp + WINDOW, "deadline");
        assertEq(keccak256(abi.encode(said)), keccak256(abi.encode(w)), "words");
        assertTrue(!game.isFinal(claim), "not yet");
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongState.selector, 1, 1));
        game.requireFinal(claim, w);

        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.TooEarly.selector, until));
        game.resolve(claim);
        vm.warp(until);
        // At the deadline: too late to challenge or prove, time to resolve.
        bytes memory late = abi.encodeWithSelector(OptimisticInference.TooLate.selector, until);
        vm.prank(BOB);
        vm.expectRevert(late);
        game.challenge{value: CHALLENGE}(claim);
        vm.expectRevert(late);
        game.prove(claim, w, PROOF);
        game.resolve(claim);
        assertTrue(stateOf(claim) == ClaimState.Accepted && game.isFinal(claim), "accepted");
        game.requireFinal(claim, w);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.OtherStatement.selector, 1));
        game.requireFinal(claim, claimWords(0, 6));
        credits(CLAIM, 0, 0, 0);
    }

    function testChallengedAndProven() public {
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        vm.warp(block.timestamp + WINDOW - 1);
        challenge(claim);
        uint256 until = block.timestamp + PROVE;
        assertEq(game.claimOf(claim).deadline, until, "the prover's clock");
        makeProof(claim, w, CAROL);
        vm.warp(until);
        vm.prank(CAROL);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.TooLate.selector, until));
        game.prove(claim, w, PROOF);
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.TooEarly.selector, until));
        game.resolve(claim);
        vm.prank(CAROL);
        game.prove(claim, w, PROOF);
        assertTrue(stateOf(claim) == ClaimState.Proven && game.isFinal(claim), "proven");
        credits(CLAIM, 0, CHALLENGE, 0);
    }

    function testChallengedAndSilent() public {
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        challenge(claim);
        vm.warp(block.timestamp + PROVE);
        game.resolve(claim);
        assertTrue(stateOf(claim) == ClaimState.Rejected && !game.isFinal(claim), "rejected");
        credits(0, CLAIM + CHALLENGE - FORFEIT, 0, FORFEIT);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongState.selector, 1, 5));
        game.requireFinal(claim, w);
    }

    function testProofFinalisesAtOnce() public {
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        makeProof(claim, w, CAROL);
        vm.prank(CAROL);
        game.prove(claim, w, PROOF);
        game.requireFinal(claim, w);
        credits(CLAIM, 0, 0, 0);
    }

    /// Whoever copies a proof from the queue earns nothing with it.
    function testFrontRunnersAreRefused() public {
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        challenge(claim);
        makeProof(claim, w, CAROL);
        vm.prank(BOB);
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        game.prove(claim, w, PROOF);
        // Nor does it prove another claim of the same statement.
        uint256 twin = propose(w);
        vm.prank(CAROL);
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        game.prove(twin, w, PROOF);
        vm.prank(CAROL);
        game.prove(claim, w, PROOF);
        credits(CLAIM, 0, CHALLENGE, 0);
    }

    /// Without a context the reward is the proposer's: copying a proof does his work.
    function testFrontRunnersWithoutContext() public {
        start(ContextKind.None);
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        challenge(claim);
        makeProof(claim, w, CAROL);
        vm.prank(BOB);
        game.prove(claim, w, PROOF);
        credits(CLAIM + CHALLENGE, 0, 0, 0);
    }

    function testPlainWordContext() public {
        start(ContextKind.Word);
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        challenge(claim);
        makeProof(claim, w, CAROL);
        vm.prank(CAROL);
        game.prove(claim, w, PROOF);
        credits(CLAIM, 0, CHALLENGE, 0);
    }

    function testDisprove() public {
        uint256[] memory w = claimWords(0, 5);
        uint256[] memory truth = claimWords(0, 6);
        uint256 claim = propose(w);
        makeProof(claim, truth, CAROL);
        vm.startPrank(CAROL);
        // Challenge first: the reward has an owner then.
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongState.selector, 1, 1));
        game.disprove(claim, w, truth, PROOF);
        vm.stopPrank();
        challenge(claim);
        vm.startPrank(CAROL);
        bytes memory none = abi.encodeWithSelector(OptimisticInference.NoContradiction.selector, 1);
        vm.expectRevert(none);
        game.disprove(claim, w, w, PROOF);
        vm.expectRevert(none);
        game.disprove(claim, w, claimWords(1, 6), PROOF);
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        game.disprove(claim, w, claimWords(0, 7), PROOF);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.OtherStatement.selector, 1));
        game.disprove(claim, truth, w, PROOF);
        game.disprove(claim, w, truth, PROOF);
        vm.stopPrank();
        assertTrue(stateOf(claim) == ClaimState.Rejected, "rejected");
        credits(0, CLAIM + CHALLENGE - FORFEIT, 0, FORFEIT);
    }

    function testRevokedMidGame() public {
        uint256[] memory w = claimWords(0, 5);
        uint256 proposed = propose(w);
        uint256 challenged = propose(w);
        uint256 settled = propose(w);
        challenge(challenged);
        makeProof(settled, w, CAROL);
        vm.prank(CAROL);
        game.prove(settled, w, PROOF);
        makeProof(challenged, w, CAROL);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.ModelNotUsable.selector, ModelState.Active));
        game.refund(proposed);
        vm.prank(OWNER);
        registry.revoke(id);

        bytes memory revoked =
            abi.encodeWithSelector(OptimisticInference.ModelNotUsable.selector, ModelState.Revoked);
        vm.prank(ALICE);
        vm.expectRevert(revoked);
        game.propose{value: CLAIM}(w);
        vm.prank(CAROL);
        vm.expectRevert(revoked);
        game.prove(challenged, w, PROOF);
        game.refund(proposed);
        // Resolving after the clock has run out gives bonds back too.
        vm.warp(block.timestamp + PROVE);
        game.resolve(challenged);
        assertTrue(stateOf(proposed) == ClaimState.Refunded, "refunded");
        assertTrue(stateOf(challenged) == ClaimState.Refunded, "refunded");
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongState.selector, settled, 3));
        game.refund(settled);
        // What was final stays final.
        game.requireFinal(settled, w);
        credits(3 * CLAIM, CHALLENGE, 0, 0);
    }

    function testDeprecatedTakesNoNewClaims() public {
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        vm.prank(OWNER);
        registry.deprecate(id);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.ModelNotUsable.selector, ModelState.Deprecated));
        game.propose{value: CLAIM}(w);
        challenge(claim);
        makeProof(claim, w, CAROL);
        vm.prank(CAROL);
        game.prove(claim, w, PROOF);
        credits(CLAIM, 0, CHALLENGE, 0);
    }

    function testUnprovableWordsAreRefused() public {
        uint256[] memory w = claimWords(0, 5);
        // 9 bits: one above the largest input value.
        w[0] = (w[0] & ~uint256(0xffff)) | (0x8000 + 256);
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(FieldCodec.NotAPacking.selector, w[0]));
        game.propose{value: CLAIM}(w);
        w = claimWords(0, 5);
        w[3] |= 1 << 16;
        vm.expectRevert(abi.encodeWithSelector(FieldCodec.NotAPacking.selector, w[3]));
        game.propose{value: CLAIM}(w);
        w = claimWords(0, 5);
        w[2] |= 1 << 255;
        vm.expectRevert(abi.encodeWithSelector(FieldCodec.NotAPacking.selector, w[2]));
        game.propose{value: CLAIM}(w);
        vm.expectRevert(abi.encodeWithSelector(IoSchema.WrongLength.selector, 4, 5));
        game.propose{value: CLAIM}(concat(claimWords(0, 5), new uint256[](1)));
        vm.stopPrank();
    }

    function testBondsAreExact() public {
        uint256[] memory w = claimWords(0, 5);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongBond.selector, CLAIM, CLAIM - 1));
        game.propose{value: CLAIM - 1}(w);
        uint256 claim = propose(w);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongBond.selector, CHALLENGE, CHALLENGE + 1));
        game.challenge{value: CHALLENGE + 1}(claim);
    }

    /// From each state, what is not allowed.
    function testStatesAreMonotone() public {
        uint256[] memory w = claimWords(0, 5);
        nothingWorks(1, w, ClaimState.None);
        uint256 accepted = propose(w);
        vm.warp(block.timestamp + WINDOW);
        game.resolve(accepted);
        nothingWorks(accepted, w, ClaimState.Accepted);
        uint256 proven = propose(w);
        makeProof(proven, w, address(this));
        game.prove(proven, w, PROOF);
        nothingWorks(proven, w, ClaimState.Proven);
        uint256 rejected = propose(w);
        challenge(rejected);
        vm.prank(CAROL);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongState.selector, rejected, ClaimState.Challenged));
        game.challenge{value: CHALLENGE}(rejected);
        vm.warp(block.timestamp + PROVE);
        game.resolve(rejected);
        nothingWorks(rejected, w, ClaimState.Rejected);
        uint256 refunded = propose(w);
        vm.prank(OWNER);
        registry.revoke(id);
        game.refund(refunded);
        nothingWorks(refunded, w, ClaimState.Refunded);
        nothingWorks(accepted, w, ClaimState.Accepted);
    }

    function nothingWorks(uint256 claim, uint256[] memory w, ClaimState state) private {
        bytes memory wrong = abi.encodeWithSelector(OptimisticInference.WrongState.selector, claim, state);
        vm.prank(BOB);
        vm.expectRevert(wrong);
        game.challenge{value: CHALLENGE}(claim);
        vm.expectRevert(wrong);
        game.prove(claim, w, PROOF);
        vm.expectRevert(wrong);
        game.disprove(claim, w, w, PROOF);
        vm.expectRevert(wrong);
        game.resolve(claim);
        vm.expectRevert(wrong);
        game.refund(claim);
        assertTrue(stateOf(claim) == state, "unchanged");
    }

    function testPayments() public {
        uint256 claim = propose(claimWords(0, 5));
        vm.warp(block.timestamp + WINDOW);
        game.resolve(claim);
        vm.expectRevert(abi.encodeWithSelector(PullPayments.NothingToWithdraw.selector, address(this)));
        game.withdraw(payable(address(this)));
        // This contract takes no ether.
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(PullPayments.TransferFailed.selector, address(this)));
        game.withdraw(payable(address(this)));
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(PullPayments.TransferFailed.selector, address(0)));
        game.withdraw(payable(address(0)));
        uint256 before = CAROL.balance;
        vm.prank(ALICE);
        game.withdraw(payable(CAROL));
        assertEq(CAROL.balance, before + CLAIM, "paid");
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(PullPayments.NothingToWithdraw.selector, ALICE));
        game.withdraw(payable(ALICE));
    }

    function testReentrancy() public {
        Reentrant attacker = new Reentrant(game);
        uint256 other = propose(claimWords(0, 5));
        uint256 claim = attacker.propose{value: CLAIM}(claimWords(0, 6));
        vm.warp(block.timestamp + WINDOW);
        game.resolve(claim);
        game.resolve(other);
        attacker.withdraw();
        assertEq(address(attacker).balance, CLAIM, "paid once");
        assertEq(attacker.reentered(), 0, "not twice");
        credits(CLAIM, 0, 0, 0);
    }

    /// A careless verifier decides the games of its own model, and conserves money.
    function testCarelessVerifier() public {
        mock.setAcceptsAll(true);
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        challenge(claim);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.OtherStatement.selector, claim));
        game.prove(claim, claimWords(0, 6), "");
        vm.prank(CAROL);
        game.prove(claim, w, "");
        credits(CLAIM, 0, CHALLENGE, 0);
        assertEq(address(game).balance, CLAIM + CHALLENGE, "nothing lost");
    }

    function testTerms() public {
        Terms memory t = game.terms();
        assertEq(keccak256(abi.encode(t)), keccak256(abi.encode(standard())), "terms");
        assertEq(game.wordCount(), 4, "words of a claim");
        assertEq(game.inputWordCount(), 2, "of inputs");
        for (uint256 i = 0; i < 6; ++i) {
            t = standard();
            if (i == 0) t.claimBond = 0;
            if (i == 1) t.challengeBond = 0;
            if (i == 2) t.forfeit = t.claimBond;
            if (i == 3) t.challengeWindow = 0;
            if (i == 4) t.proveWindow = 0;
            if (i == 5) t.sink = address(0);
            vm.expectRevert(OptimisticInference.BadTerms.selector);
            new OptimisticInference(registry, id, schemaOf(3, kind), t);
        }
    }

    function testUnsuitableModels() public {
        Schema memory schema = schemaOf(3, kind);
        bytes32 expected = IoSchema.hash(schema);
        schema.outputs[0].scale += 1;
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongSchema.selector, expected));
        new OptimisticInference(registry, id, schema, standard());
        schema = schemaOf(3, ContextKind.None);
        schema.inputs = new Tensor[](0);
        (bytes32 secret,) = register(schema);
        vm.expectRevert(OptimisticInference.PrivateInputs.selector);
        new OptimisticInference(registry, secret, schema, standard());
        vm.prank(OWNER);
        registry.deprecate(id);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.ModelNotUsable.selector, ModelState.Deprecated));
        new OptimisticInference(registry, id, schemaOf(3, kind), standard());
    }

    /// A context among the inputs: not one of the claim's words.
    function testContextAmongTheInputs() public {
        Schema memory schema = schemaOf(3, ContextKind.None);
        schema.inputs = new Tensor[](2);
        schema.inputs[0] = schemaOf(3, ContextKind.None).inputs[0];
        schema.inputs[1] = Tensor({bits: 10, scale: 0, lanes: 4, elements: 32, places: ""});
        schema.contextKind = ContextKind.Bytes;
        schema.contextTensor = 1;
        (id, mock) = register(schema);
        game = new OptimisticInference(registry, id, schema, standard());
        assertEq(game.wordCount(), 4, "words of a claim");
        assertEq(game.inputWordCount(), 2, "of inputs");
        uint256[] memory w = claimWords(0, 5);
        uint256 claim = propose(w);
        bytes32 context = game.contextOf(claim, CAROL);
        uint256[] memory all = concat(inputWords(0), contextWords(context, ContextKind.Bytes));
        int256[] memory values = new int256[](3);
        values[0] = 5;
        mock.setValid(PROOF, concat(all, outputWords(values)));
        vm.prank(CAROL);
        game.prove(claim, w, PROOF);
        game.requireFinal(claim, w);
    }
}
