// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Sample} from "./Sample.sol";
import {IZkmlVerifier} from "../contracts/IZkmlVerifier.sol";
import {ZkmlVerifier} from "../contracts/sample.sol";

/// @dev The generated verifier alone.
contract VerifierTest is Sample {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    function setUp() public {
        deploySample();
    }

    function testHonestProof() public view {
        verifier.verify(proof, words);
        assertTrue(verifier.tryVerify(proof, words), "tryVerify");
    }

    function testViews() public view {
        assertEq(verifier.vkDigest(), digest, "vkDigest");
        assertEq(verifier.numInstances(), words.length, "numInstances");
        assertEq(verifier.vkCodehash(), codehash, "vkCodehash");
        assertEq(key.codehash, codehash, "code hash of the key");
        assertTrue(verifier.vk() == key, "vk");
        for (uint256 i = 0; i < 4; i++) {
            assertEq(verifier.srsG2()[i], sG2[i], "srsG2");
        }
        assertTrue(bytes(verifier.version()).length > 0, "version");
    }

    function testSize() public view {
        assertTrue(address(verifier).code.length <= 24576, "EIP-170");
    }

    function testKeyIsNotCallable() public {
        (bool success, bytes memory output) = key.call(hex"12345678");
        assertTrue(success && output.length == 0, "a data contract stops at once");
    }

    function testAccumulate() public {
        (uint256 a, uint256 b, uint256 c, uint256 d) = verifier.accumulate(proof, words);
        assertTrue(pairs(a, b, c, d), "the points of an honest proof");
        uint256[] memory changed = words;
        changed[0] = addmod(changed[0], 1, R);
        (a, b, c, d) = verifier.accumulate(proof, changed);
        assertTrue(!pairs(a, b, c, d), "the points of a wrong statement");
        changed[0] += R;
        vm.expectRevert(abi.encodeWithSelector(IZkmlVerifier.InvalidInstance.selector, 0));
        verifier.accumulate(proof, changed);
    }

    /// @dev `e(lhs, [1]_2) = e(rhs, [s]_2)`, as the interface defines it.
    function pairs(uint256 a, uint256 b, uint256 c, uint256 d) private view returns (bool) {
        uint256[12] memory io = [
            a,
            b == 0 ? 0 : Q - b,
            0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
            0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
            0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b,
            0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa,
            c,
            d,
            sG2[0],
            sG2[1],
            sG2[2],
            sG2[3]
        ];
        (bool success, bytes memory result) = address(8).staticcall(abi.encode(io));
        require(success, "no points");
        return abi.decode(result, (bool));
    }

    /// Any other bit pattern is another proof, and no valid one.
    function testFuzzFlippedBit(uint256 place, uint8 bit) public {
        bytes memory changed = proof;
        place %= changed.length;
        changed[place] = bytes1(uint8(changed[place]) ^ uint8(1 << (bit % 8)));
        assertTrue(!verifier.tryVerify(changed, words), "flipped bit");
        (bool success,) = address(verifier).call(abi.encodeCall(IZkmlVerifier.verify, (changed, words)));
        assertTrue(!success, "flipped bit");
    }

    function testFuzzReplacedWord(uint256 place, uint256 value) public view {
        bytes memory changed = proof;
        place = (place % (changed.length / 32)) * 32;
        uint256 before;
        assembly {
            let p := add(add(changed, 0x20), place)
            before := mload(p)
            mstore(p, value)
        }
        assertTrue(before == value || !verifier.tryVerify(changed, words), "replaced word");
    }

    function testFuzzOtherWords(uint256 place, uint256 value) public view {
        uint256[] memory changed = words;
        place %= changed.length;
        bool same = changed[place] == value;
        changed[place] = value;
        assertTrue(same || !verifier.tryVerify(proof, changed), "other word");
    }

    function testFuzzOtherLengths(uint16 length, uint8 count) public view {
        bytes memory other = new bytes(length);
        uint256[] memory more = new uint256[](count);
        assertTrue(!verifier.tryVerify(other, words), "other proof");
        assertTrue(count == words.length || !verifier.tryVerify(proof, more), "other count");
    }

    function testAliasedWord() public {
        for (uint256 i = 0; i < words.length; i++) {
            uint256[] memory changed = words;
            changed[i] += R;
            vm.expectRevert(abi.encodeWithSelector(IZkmlVerifier.InvalidInstance.selector, i));
            verifier.verify(proof, changed);
        }
    }

    function testAliasedCoordinate() public {
        bytes memory changed = proof;
        assembly {
            let p := add(changed, 0x20)
            mstore(p, add(mload(p), Q))
        }
        vm.expectRevert(IZkmlVerifier.InvalidPoint.selector);
        verifier.verify(changed, words);
    }

    function testWrongWord() public {
        uint256[] memory changed = words;
        changed[0] = addmod(changed[0], 1, R);
        vm.expectRevert(IZkmlVerifier.InvalidProof.selector);
        verifier.verify(proof, changed);
    }

    function testTrailingCalldata() public {
        bytes memory data = abi.encodeCall(IZkmlVerifier.verify, (proof, words));
        (bool success,) = address(verifier).call(data);
        assertTrue(success, "canonical");
        (success,) = address(verifier).call(abi.encodePacked(data, bytes1(0)));
        assertTrue(!success, "trailing byte");
    }

    function testFuzzHeads(uint256 proofAt, uint256 wordsAt) public {
        bytes memory data = abi.encodeCall(IZkmlVerifier.verify, (proof, words));
        uint256 a;
        uint256 b;
        assembly {
            a := mload(add(data, 0x24))
            b := mload(add(data, 0x44))
            mstore(add(data, 0x24), proofAt)
            mstore(add(data, 0x44), wordsAt)
        }
        (bool success,) = address(verifier).call(data);
        assertTrue(!success || (a == proofAt && b == wordsAt), "other heads");
    }

    function testConstructorRefusals() public {
        vm.expectRevert(IZkmlVerifier.BadVerifyingKey.selector);
        new ZkmlVerifier(key, keccak256("other"), sG2);
        vm.expectRevert(IZkmlVerifier.BadVerifyingKey.selector);
        new ZkmlVerifier(address(this), address(this).codehash, sG2);
        vm.expectRevert(IZkmlVerifier.BadVerifyingKey.selector);
        new ZkmlVerifier(address(0xdead), address(0xdead).codehash, sG2);
        uint256[4] memory zero;
        vm.expectRevert(IZkmlVerifier.BadSrs.selector);
        new ZkmlVerifier(key, codehash, zero);
    }
}
