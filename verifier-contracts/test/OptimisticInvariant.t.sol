// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Models} from "./Models.sol";
import {Test} from "./Test.sol";
import {ContextKind} from "../contracts/library/IoSchema.sol";
import {ModelRegistry} from "../contracts/library/ModelRegistry.sol";
import {ClaimState, OptimisticInference, Terms} from "../contracts/library/OptimisticInference.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";

/// @dev Plays at random: every call is one that can be made, by one of a few players who also play against
/// themselves. Keeps its own books.
contract Player is Test {
    OptimisticInference public immutable game;
    ModelRegistry private immutable registry;
    address private immutable owner;
    bytes32 private immutable modelId;
    Terms private terms;
    uint256[] private words;

    /// @dev All money that ever went in or out.
    uint256 public paidIn;
    uint256 public paidOut;
    /// @dev Bonds of claims that are not settled, by these books.
    uint256 public atStake;
    bool public wentBack;
    uint256[7] public reached;
    mapping(uint256 => ClaimState) private seen;

    constructor(OptimisticInference game_, ModelRegistry registry_, address owner_, uint256[] memory words_) {
        game = game_;
        registry = registry_;
        owner = owner_;
        modelId = game_.modelId();
        terms = game_.terms();
        words = words_;
    }

    function account(uint256 seed) public pure returns (address) {
        return address(uint160(0x1000 + seed % 4));
    }

    function propose(uint256 who) external {
        if (uint256(registry.modelOf(modelId).state) != 1) return;
        vm.deal(account(who), terms.claimBond);
        vm.prank(account(who));
        game.propose{value: terms.claimBond}(words);
        paidIn += terms.claimBond;
        atStake += terms.claimBond;
        observe(game.claimCount());
    }

    function challenge(uint256 who, uint256 pick) external {
        uint256 claim = pickClaim(pick);
        OptimisticInference.Claim memory c = game.claimOf(claim);
        if (c.state != ClaimState.Proposed || block.timestamp >= c.deadline) return;
        vm.deal(account(who), terms.challengeBond);
        vm.prank(account(who));
        game.challenge{value: terms.challengeBond}(claim);
        paidIn += terms.challengeBond;
        atStake += terms.challengeBond;
        observe(claim);
    }

    function prove(uint256 who, uint256 pick) external {
        uint256 claim = pickClaim(pick);
        OptimisticInference.Claim memory c = game.claimOf(claim);
        if (!open(c) || block.timestamp >= c.deadline || revoked()) return;
        vm.prank(account(who));
        game.prove(claim, words, "");
        settled(claim, c);
    }

    function disprove(uint256 who, uint256 pick) external {
        uint256 claim = pickClaim(pick);
        OptimisticInference.Claim memory c = game.claimOf(claim);
        if (c.state != ClaimState.Challenged || block.timestamp >= c.deadline || revoked()) return;
        uint256[] memory truth = words;
        truth[truth.length - 1] ^= 1;
        vm.prank(account(who));
        game.disprove(claim, words, truth, "");
        settled(claim, c);
    }

    function resolve(uint256 pick) external {
        uint256 claim = pickClaim(pick);
        OptimisticInference.Claim memory c = game.claimOf(claim);
        if (!open(c) || block.timestamp < c.deadline) return;
        game.resolve(claim);
        settled(claim, c);
    }

    function refund(uint256 pick) external {
        uint256 claim = pickClaim(pick);
        OptimisticInference.Claim memory c = game.claimOf(claim);
        if (!open(c) || !revoked()) return;
        game.refund(claim);
        settled(claim, c);
    }

    function withdraw(uint256 who) external {
        address player = account(who);
        uint256 amount = game.credit(player);
        if (amount == 0) return;
        vm.prank(player);
        game.withdraw(payable(player));
        paidOut += amount;
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + time % (terms.challengeWindow / 2));
    }

    /// @dev Rarely: a revoked model ends most of the play.
    function revoke(uint256 chance) external {
        if (chance % 16 != 0 || revoked()) return;
        vm.prank(owner);
        registry.revoke(modelId);
    }

    function credits() external view returns (uint256 sum) {
        for (uint256 i = 0; i < 4; ++i) sum += game.credit(account(i));
        sum += game.credit(terms.sink);
    }

    function pickClaim(uint256 pick) private view returns (uint256) {
        uint256 count = game.claimCount();
        return count == 0 ? 0 : 1 + pick % count;
    }

    function open(OptimisticInference.Claim memory c) private pure returns (bool) {
        return c.state == ClaimState.Proposed || c.state == ClaimState.Challenged;
    }

    function revoked() private view returns (bool) {
        return uint256(registry.modelOf(modelId).state) == 3;
    }

    function settled(uint256 claim, OptimisticInference.Claim memory c) private {
        atStake -= terms.claimBond;
        if (c.state == ClaimState.Challenged) atStake -= terms.challengeBond;
        observe(claim);
    }

    /// @dev Looks at all claims: only the one that was acted on may have moved, and only forward.
    function observe(uint256 moved) private {
        for (uint256 claim = 1; claim <= game.claimCount(); ++claim) {
            ClaimState state = game.claimOf(claim).state;
            ClaimState before = seen[claim];
            if (state == before) continue;
            bool wasFinal = uint256(before) > uint256(ClaimState.Challenged);
            if (claim != moved || wasFinal || uint256(state) <= uint256(before)) wentBack = true;
            seen[claim] = state;
            ++reached[uint256(state)];
        }
    }
}

contract OptimisticInvariantTest is Models {
    Player private player;
    OptimisticInference private game;

    function setUp() public {
        deployRegistry();
        vm.warp(1_700_000_000);
        (bytes32 id, MockVerifier mock) = register(schemaOf(3, ContextKind.Bytes));
        mock.setAcceptsAll(true);
        Terms memory terms = Terms({
            claimBond: 5 ether,
            challengeBond: 3 ether,
            forfeit: 1 ether,
            challengeWindow: 1 days,
            proveWindow: 6 hours,
            sink: address(0x51)
        });
        game = new OptimisticInference(registry, id, schemaOf(3, ContextKind.Bytes), terms);
        uint256[] memory words = concat(inputWords(0), outputWords(new int256[](3)));
        player = new Player(game, registry, OWNER, words);
    }

    /// @dev Forge asks this which contracts to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(player);
    }

    /// Money in is money out, credits and bonds at stake.
    function invariant_moneyIsConserved() public view {
        assertEq(address(game).balance, player.paidIn() - player.paidOut(), "balance");
        assertEq(address(game).balance, player.credits() + player.atStake(), "credits and stakes");
    }

    /// A settled claim never changes, an open one only moves forward, no other claim moves with it.
    function invariant_statesAreMonotone() public view {
        assertTrue(!player.wentBack(), "a state went back");
    }

    /// The player does reach every state: otherwise the invariants would mean little.
    function testThePlayerReachesEveryState() public {
        for (uint256 i = 0; i < 700; ++i) {
            uint256 x = uint256(keccak256(abi.encode(i)));
            uint256 action = x % 9;
            uint256 y = x >> 16;
            if (action == 0) player.propose(y);
            else if (action == 1) player.challenge(y, y >> 8);
            else if (action == 2 && y % 4 == 0) player.prove(y, y >> 8);
            else if (action == 3 && y % 4 == 0) player.disprove(y, y >> 8);
            else if (action == 4) player.resolve(y);
            else if (action == 5) player.refund(y);
            else if (action == 6) player.withdraw(y);
            else if (action == 7) player.wait(uint32(y % 7200));
            if (i == 600) player.revoke(0);
            invariant_moneyIsConserved();
        }
        for (uint256 state = 1; state < 7; ++state) {
            assertTrue(player.reached(state) > 0, "a state was not reached");
        }
        invariant_statesAreMonotone();
    }
}
