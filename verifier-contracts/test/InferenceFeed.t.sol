// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Models} from "./Models.sol";
import {InferenceFeed} from "../contracts/examples/InferenceFeed.sol";
import {ContextKind, Schema} from "../contracts/library/IoSchema.sol";
import {OptimisticInference, Terms} from "../contracts/library/OptimisticInference.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";

/// @dev The optimistic feed.
contract InferenceFeedTest is Models {
    address private constant REPORTER = address(0xfeed);
    bytes private constant PROOF = hex"1234";

    InferenceFeed private feed;
    OptimisticInference private game;
    MockVerifier private mock;

    function setUp() public {
        deployRegistry();
        vm.warp(1_700_000_000);
        bytes32 id;
        (id, mock) = register(schemaOf(1, ContextKind.Bytes));
        Terms memory terms = Terms({
            claimBond: 3 ether,
            challengeBond: 2 ether,
            forfeit: 1 ether,
            challengeWindow: 1 days,
            proveWindow: 2 hours,
            sink: address(0x51)
        });
        game = new OptimisticInference(registry, id, schemaOf(1, ContextKind.Bytes), terms);
        feed = new InferenceFeed(game, schemaOf(1, ContextKind.Bytes), REPORTER);
        vm.deal(address(this), 100 ether);
    }

    function ask(uint256 seed) private returns (uint256) {
        vm.prank(REPORTER);
        return feed.ask(inputWords(seed));
    }

    function claimWords(uint256 seed, int256 x) private pure returns (uint256[] memory) {
        int256[] memory values = new int256[](1);
        values[0] = x;
        return concat(inputWords(seed), outputWords(values));
    }

    function testAnswersAfterTheWindow() public {
        vm.expectRevert(InferenceFeed.NoAnswer.selector);
        feed.latestAnswer();
        uint256 asked = block.timestamp;
        uint256 round = ask(0);
        uint256[] memory words = claimWords(0, -62);
        uint256 claim = game.propose{value: 3 ether}(words);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.WrongState.selector, claim, 1));
        feed.answer(round, claim, words);
        vm.warp(block.timestamp + 1 days);
        game.resolve(claim);
        feed.answer(round, claim, words);
        (uint256 latest, int256 number, uint256 when) = feed.latestAnswer();
        assertEq(latest, round, "round");
        assertEq(number, -7.75e18, "-62 / 8");
        assertEq(when, asked, "age");
        assertEq(feed.roundOf(round).answeredAt, block.timestamp, "answered");
        vm.expectRevert(abi.encodeWithSelector(InferenceFeed.NotOpen.selector, round));
        feed.answer(round, claim, words);
    }

    function testProofAnswersAtOnce() public {
        uint256 round = ask(0);
        uint256[] memory words = claimWords(0, 51);
        uint256 claim = game.propose{value: 3 ether}(words);
        bytes32 context = game.contextOf(claim, address(this));
        mock.setValid(PROOF, concat(words, contextWords(context, ContextKind.Bytes)));
        game.prove(claim, words, PROOF);
        feed.answer(round, claim, words);
        (, int256 number,) = feed.latestAnswer();
        assertEq(number, 6.375e18, "51 / 8");
    }

    function testOlderRoundsDoNotOvertake() public {
        uint256 first = ask(0);
        uint256 second = ask(1);
        uint256[] memory words = claimWords(1, 8);
        uint256 claim = game.propose{value: 3 ether}(words);
        uint256[] memory old = claimWords(0, 16);
        uint256 late = game.propose{value: 3 ether}(old);
        vm.warp(block.timestamp + 1 days);
        game.resolve(claim);
        game.resolve(late);
        feed.answer(second, claim, words);
        feed.answer(first, late, old);
        (uint256 latest, int256 number,) = feed.latestAnswer();
        assertEq(latest, second, "the latest question");
        assertEq(number, 1e18, "its answer");
        assertEq(feed.roundOf(first).answer, 2e18, "the other is kept");
    }

    function testRefusals() public {
        uint256[] memory inputs = inputWords(0);
        vm.expectRevert(abi.encodeWithSelector(InferenceFeed.NotReporter.selector, address(this)));
        feed.ask(inputs);
        vm.prank(REPORTER);
        vm.expectRevert(abi.encodeWithSelector(InferenceFeed.BadInput.selector, 2, 3));
        feed.ask(new uint256[](3));
        uint256 round = ask(0);
        uint256[] memory words = claimWords(1, 8);
        uint256 claim = game.propose{value: 3 ether}(words);
        vm.warp(block.timestamp + 1 days);
        game.resolve(claim);
        vm.expectRevert(abi.encodeWithSelector(InferenceFeed.OtherInput.selector, round));
        feed.answer(round, claim, words);
        vm.expectRevert(abi.encodeWithSelector(InferenceFeed.NotOpen.selector, round + 1));
        feed.answer(round + 1, claim, words);
        vm.expectRevert(abi.encodeWithSelector(OptimisticInference.OtherStatement.selector, claim));
        feed.answer(round, claim, claimWords(0, 8));
        Schema memory schema = schemaOf(1, ContextKind.Bytes);
        schema.outputs[0].scale += 1;
        vm.expectRevert(InferenceFeed.UnsuitableModel.selector);
        new InferenceFeed(game, schema, REPORTER);
        vm.expectRevert(abi.encodeWithSelector(InferenceFeed.NotReporter.selector, address(0)));
        new InferenceFeed(game, schemaOf(1, ContextKind.Bytes), address(0));
    }
}
