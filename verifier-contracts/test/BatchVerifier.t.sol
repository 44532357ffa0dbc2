// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Sample} from "./Sample.sol";
import {IZkmlVerifier} from "../contracts/IZkmlVerifier.sol";
import {BatchVerifier} from "../contracts/library/BatchVerifier.sol";
import {ZkmlVerifier} from "../contracts/sample.sol";

/// @dev A verifier that says what it is told, for attacks on the combination.
contract Liar {
    uint256[4] private pair;
    uint256[4] private g2;

    constructor(uint256[4] memory pair_, uint256[4] memory g2_) {
        pair = pair_;
        g2 = g2_;
    }

    function accumulate(bytes calldata, uint256[] calldata)
        external
        view
        returns (uint256, uint256, uint256, uint256)
    {
        return (pair[0], pair[1], pair[2], pair[3]);
    }

    function srsG2() external view returns (uint256[4] memory) {
        return g2;
    }
}

contract BatchVerifierTest is Sample {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    BatchVerifier private batch;
    ZkmlVerifier private second;

    function setUp() public {
        deploySample();
        second = new ZkmlVerifier(key, codehash, sG2);
        batch = new BatchVerifier();
    }

    /// @dev `n` honest proofs, of two verifiers in turns.
    function honest(uint256 n)
        private
        view
        returns (IZkmlVerifier[] memory verifiers, bytes[] memory proofs, uint256[][] memory instances)
    {
        verifiers = new IZkmlVerifier[](n);
        proofs = new bytes[](n);
        instances = new uint256[][](n);
        for (uint256 i = 0; i < n; ++i) {
            verifiers[i] = i % 2 == 0 ? verifier : second;
            proofs[i] = proof;
            instances[i] = words;
        }
    }

    function testHonestBatches() public view {
        for (uint256 n = 1; n <= 5; ++n) {
            (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(n);
            batch.verifyBatch(v, p, i);
        }
    }

    function testEmptyBatch() public {
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(0);
        vm.expectRevert(BatchVerifier.EmptyBatch.selector);
        batch.verifyBatch(v, p, i);
    }

    function testLengths() public {
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(2);
        (IZkmlVerifier[] memory v3, bytes[] memory p3, uint256[][] memory i3) = honest(3);
        vm.expectRevert(BatchVerifier.LengthMismatch.selector);
        batch.verifyBatch(v3, p, i);
        vm.expectRevert(BatchVerifier.LengthMismatch.selector);
        batch.verifyBatch(v, p3, i);
        vm.expectRevert(BatchVerifier.LengthMismatch.selector);
        batch.verifyBatch(v, p, i3);
    }

    /// One wrong statement among honest ones, anywhere.
    function testFuzzOneWrongStatement(uint256 size, uint256 place, uint256 word, uint256 value) public {
        size = bound(size, 1, 4);
        place %= size;
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(size);
        word %= words.length;
        value %= R;
        if (value == words[word]) return;
        i[place] = new uint256[](words.length);
        for (uint256 w = 0; w < words.length; ++w) i[place][w] = w == word ? value : words[w];
        vm.expectRevert(BatchVerifier.InvalidBatch.selector);
        batch.verifyBatch(v, p, i);
    }

    /// The opening's last point replaced by another point of the curve: well formed, not valid.
    function testOneForgedOpening() public {
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(3);
        bytes memory forged = bytes.concat(proof);
        assembly {
            let end := add(add(forged, 0x20), mload(forged))
            mstore(sub(end, 0x40), 1)
            mstore(sub(end, 0x20), 2)
        }
        for (uint256 place = 0; place < 3; ++place) {
            p[place] = forged;
            vm.expectRevert(BatchVerifier.InvalidBatch.selector);
            batch.verifyBatch(v, p, i);
            p[place] = proof;
        }
        // Nor do several of them vouch for each other.
        (p[0], p[1], p[2]) = (forged, forged, forged);
        vm.expectRevert(BatchVerifier.InvalidBatch.selector);
        batch.verifyBatch(v, p, i);
        p[0] = p[2] = proof;
        // What is malformed says so itself.
        p[1] = hex"00";
        vm.expectRevert(IZkmlVerifier.BadLength.selector);
        batch.verifyBatch(v, p, i);
        p[1] = proof;
        i[2] = new uint256[](words.length);
        i[2][1] = R;
        vm.expectRevert(abi.encodeWithSelector(IZkmlVerifier.InvalidInstance.selector, 1));
        batch.verifyBatch(v, p, i);
    }

    /// Two equations that are false, but whose plain sum is true.
    function testFalseEquationsThatCancel() public {
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(2);
        v[0] = IZkmlVerifier(address(new Liar([uint256(1), 2, 0, 0], sG2)));
        v[1] = IZkmlVerifier(address(new Liar([uint256(1), Q - 2, 0, 0], sG2)));
        vm.expectRevert(BatchVerifier.InvalidBatch.selector);
        batch.verifyBatch(v, p, i);
        // True ones of the same kind pass: it is the equations that were refused.
        v[0] = IZkmlVerifier(address(new Liar([uint256(0), 0, 0, 0], sG2)));
        v[1] = v[0];
        batch.verifyBatch(v, p, i);
    }

    function testPointsOffTheCurve() public {
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(2);
        for (uint256 k = 0; k < 4; k += 2) {
            uint256[4] memory pair;
            (pair[k], pair[k + 1]) = (1, 3);
            for (uint256 place = 0; place < 2; ++place) {
                (v[0], v[1]) = (verifier, second);
                v[place] = IZkmlVerifier(address(new Liar(pair, sG2)));
                vm.expectRevert(BatchVerifier.InvalidBatch.selector);
                batch.verifyBatch{gas: 30_000_000}(v, p, i);
            }
        }
    }

    function testOtherReferenceString() public {
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(3);
        uint256[4] memory pair;
        for (uint256 k = 0; k < 4; ++k) {
            uint256[4] memory other = sG2;
            other[k] ^= 1;
            v[2] = IZkmlVerifier(address(new Liar(pair, other)));
            vm.expectRevert(abi.encodeWithSelector(BatchVerifier.OtherSrs.selector, 2));
            batch.verifyBatch(v, p, i);
        }
        // With the identity as [s]_2 any rhs would do.
        uint256[4] memory zero;
        v[0] = IZkmlVerifier(address(new Liar([uint256(0), 0, 1, 2], zero)));
        (v[1], v[2]) = (v[0], v[0]);
        vm.expectRevert(abi.encodeWithSelector(BatchVerifier.OtherSrs.selector, 0));
        batch.verifyBatch(v, p, i);
    }

    function testVerifierWithoutCode() public {
        (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(2);
        v[1] = IZkmlVerifier(address(0xdead));
        vm.expectRevert();
        batch.verifyBatch(v, p, i);
        v[0] = v[1];
        vm.expectRevert();
        batch.verifyBatch(v, p, i);
    }

    /// A further proof saves at least 90,000 gas against its own verification.
    function testSaving() public view {
        uint256[2] memory sizes = [uint256(2), 8];
        uint256 alone = gasleft();
        verifier.verify(proof, words);
        alone -= gasleft();
        for (uint256 k = 0; k < 2; ++k) {
            uint256 n = sizes[k];
            (IZkmlVerifier[] memory v, bytes[] memory p, uint256[][] memory i) = honest(n);
            for (uint256 j = 1; j < n; ++j) v[j] = v[0];
            uint256 together = gasleft();
            batch.verifyBatch(v, p, i);
            together -= gasleft();
            assertTrue(together + (n - 1) * 90_000 < n * alone, "saving");
        }
    }
}
