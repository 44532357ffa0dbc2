// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Test} from "./Test.sol";
import {FieldCodec} from "../contracts/library/FieldCodec.sol";

/// @dev Integers and words, in both directions, against definitions that go digit by digit.
contract FieldCodecTest is Test {
    /// The definition, one digit at a time.
    function slowIsPacking(uint256 word, uint256 mask, uint256 bits) private pure returns (bool) {
        for (uint256 l = 0; l < 16; ++l) {
            uint256 raw = (word >> (16 * l)) & 0xffff;
            bool live = l < 8 && (mask >> l) & 1 == 1;
            int256 value = int256(raw) - 32768;
            int256 half = int256(1 << (bits - 1));
            if (live ? (value < -half || value >= half) : raw != 0) return false;
        }
        return true;
    }

    function testFuzzIsPackingAgreesWithTheDefinition(uint256 word, uint8 mask, uint256 bits) public pure {
        bits = bound(bits, 1, 16);
        bool fast = FieldCodec.isPacking(word, mask, bits);
        require(fast == slowIsPacking(word, mask, bits), "random word");
        // Random words are hardly ever packings: clear what must be clear.
        word &= FieldCodec.spread(mask) * 0xffff;
        fast = FieldCodec.isPacking(word, mask, bits);
        require(fast == slowIsPacking(word, mask, bits), "live digits only");
    }

    function testFuzzEdgesOfOneDigit(uint8 mask, uint256 lane, uint256 bits, uint16 raw) public pure {
        bits = bound(bits, 1, 16);
        lane %= 8;
        // All other live digits at an end of their range, so that a carry would show.
        for (uint256 end = 0; end < 2; ++end) {
            int256 half = int256(1 << (bits - 1));
            uint256 word = 0;
            for (uint256 l = 0; l < 8; ++l) {
                if ((mask >> l) & 1 == 1 && l != lane) word += FieldCodec.place(end == 0 ? -half : half - 1, l, bits);
            }
            word |= uint256(raw) << (16 * lane);
            bool fast = FieldCodec.isPacking(word, mask, bits);
            require(fast == slowIsPacking(word, mask, bits), "edges");
        }
    }

    function testEveryDigitOfEveryWidth() public pure {
        for (uint256 bits = 1; bits <= 16; ++bits) {
            uint256 base = 32768 - (1 << (bits - 1));
            for (uint256 l = 0; l < 8; ++l) {
                uint256 one = 1 << (16 * l);
                require(FieldCodec.isPacking(base * one, 1 << l, bits), "least");
                require(FieldCodec.isPacking((base + (1 << bits) - 1) * one, 1 << l, bits), "largest");
                require(base == 0 || !FieldCodec.isPacking((base - 1) * one, 1 << l, bits), "below");
                require(bits == 16 || !FieldCodec.isPacking((base + (1 << bits)) * one, 1 << l, bits), "above");
                require(!FieldCodec.isPacking(base * one + (1 << 128), 1 << l, bits), "above the digits");
            }
        }
    }

    function testFuzzRoundTrip(uint256 seed, uint256 count, uint256 lanes, uint256 bits) public pure {
        count = bound(count, 0, 40);
        lanes = bound(lanes, 1, 8);
        bits = bound(bits, 1, 16);
        int256[] memory values = new int256[](count);
        for (uint256 i = 0; i < count; ++i) {
            values[i] = boundInt(uint256(keccak256(abi.encode(seed, i))), bits);
        }
        uint256[] memory words = FieldCodec.pack(values, lanes, bits);
        require(words.length == (count + lanes - 1) / lanes, "number of words");
        int256[] memory back = FieldCodec.unpack(words, 0, count, lanes, bits);
        require(keccak256(abi.encode(back)) == keccak256(abi.encode(values)), "round trip");
    }

    function testFuzzOneListForOnePacking(uint256 word, uint256 count, uint256 bits) public view {
        count = bound(count, 1, 8);
        bits = bound(bits, 1, 16);
        uint256[] memory words = new uint256[](1);
        // Near a packing, where mistakes would be.
        words[0] = word & ((1 << (16 * count)) - 1);
        try this.unpack(words, count, bits) returns (int256[] memory values) {
            require(FieldCodec.pack(values, 8, bits)[0] == words[0], "one packing");
        } catch (bytes memory reason) {
            require(bytes4(reason) == FieldCodec.NotAPacking.selector, "reason");
            require(!slowIsPacking(words[0], (1 << count) - 1, bits), "refused a packing");
        }
    }

    function unpack(uint256[] memory words, uint256 count, uint256 bits)
        external
        pure
        returns (int256[] memory)
    {
        return FieldCodec.unpack(words, 0, count, 8, bits);
    }

    function pack(int256[] memory values, uint256 lanes, uint256 bits)
        external
        pure
        returns (uint256[] memory)
    {
        return FieldCodec.pack(values, lanes, bits);
    }

    function testFuzzOutOfRange(int256 value, uint256 bits) public {
        bits = bound(bits, 1, 16);
        int256 half = int256(1 << (bits - 1));
        int256[] memory values = new int256[](1);
        values[0] = value;
        if (value < -half || value >= half) {
            vm.expectRevert(abi.encodeWithSelector(FieldCodec.OutOfRange.selector, value, bits));
        }
        this.pack(values, 8, bits);
    }

    function testWhatIsNoWidth() public {
        int256[] memory values = new int256[](1);
        uint256[2] memory widths = [uint256(0), 17];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(FieldCodec.BadWidth.selector, widths[i]));
            this.pack(values, 8, widths[i]);
            vm.expectRevert(abi.encodeWithSelector(FieldCodec.BadWidth.selector, widths[i]));
            this.unpack(new uint256[](1), 1, widths[i]);
        }
        uint256[2] memory lanes = [uint256(0), 9];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(FieldCodec.BadLanes.selector, lanes[i]));
            this.pack(values, lanes[i], 9);
        }
        vm.expectRevert(abi.encodeWithSelector(FieldCodec.TooShort.selector, 2, 1));
        this.unpack(new uint256[](1), 9, 9);
    }

    function testFixedExamples() public pure {
        assertEq(FieldCodec.toFixed(51, 3, 1e18), 6.375e18, "51 / 8");
        assertEq(FieldCodec.toFixed(-62, 3, 1e18), -7.75e18, "-62 / 8");
        assertEq(FieldCodec.toFixed(-1, 20, 1e18), -953674316406, "halves up: -953674316406.25");
        assertEq(FieldCodec.toFixed(3, -4, 1e8), 48e8, "a negative scale");
        assertEq(FieldCodec.toFixed(1, 1, 1), 1, "0.5 up");
        assertEq(FieldCodec.toFixed(-1, 1, 1), 0, "-0.5 up");
        assertEq(FieldCodec.fromFixed(6.375e18, 3, 1e18, 9), 51, "6.375");
        assertEq(FieldCodec.fromFixed(0.0625e18, 3, 1e18, 9), 1, "half a step up");
        assertEq(FieldCodec.fromFixed(-0.0625e18, 3, 1e18, 9), 0, "minus half a step up");
        assertEq(FieldCodec.fromFixed(-0.0626e18, 3, 1e18, 9), -1, "below minus half a step");
        assertEq(FieldCodec.fromFixed(48e8, -4, 1e8, 9), 3, "a negative scale");
        assertEq(FieldCodec.fromFixed(40e8, -4, 1e8, 9), 3, "2.5 up");
        assertEq(FieldCodec.fromFixed(-40e8, -4, 1e8, 9), -2, "-2.5 up");
    }

    function testFuzzFixedRoundTrip(uint256 seed, uint256 bits, uint256 rawScale) public pure {
        bits = bound(bits, 1, 16);
        // Up to scale 18 a step is at least one unit of 1e18, and exact.
        int256 scale = int256(bound(rawScale, 0, 36)) - 18;
        int256 value = boundInt(seed, bits);
        int256 number = FieldCodec.toFixed(value, scale, 1e18);
        require(scale < 0 || number * int256(1 << uint256(scale)) == value * 1e18, "exact");
        require(FieldCodec.fromFixed(number, scale, 1e18, bits) == value, "round trip");
    }

    function testFuzzFromFixedIsNearest(int128 number, uint256 rawScale, uint256 rawUnit) public view {
        int256 scale = int256(bound(rawScale, 0, 20));
        uint256 unit = bound(rawUnit, 1, 1e20);
        try this.fromFixed(number, scale, unit, 16) returns (int256 value) {
            // -1/2 <= value - x < 1/2 doubled and scaled... x = number 2^scale / unit, halves up:
            // value - 1/2 <= x < value + 1/2.
            int256 x2 = 2 * int256(number) * int256(1 << uint256(scale));
            require((2 * value - 1) * int256(unit) <= x2, "not too large");
            require(x2 < (2 * value + 1) * int256(unit), "not too small");
        } catch (bytes memory reason) {
            require(bytes4(reason) == FieldCodec.OutOfRange.selector, "reason");
        }
    }

    function fromFixed(int256 number, int256 scale, uint256 unit, uint256 bits)
        external
        pure
        returns (int256)
    {
        return FieldCodec.fromFixed(number, scale, unit, bits);
    }

    function toFixed(int256 value, int256 scale, uint256 unit) external pure returns (int256) {
        return FieldCodec.toFixed(value, scale, unit);
    }

    function testWhatIsNoFixedPoint() public {
        vm.expectRevert(FieldCodec.BadFixedPoint.selector);
        this.toFixed(1, 97, 1e18);
        vm.expectRevert(FieldCodec.BadFixedPoint.selector);
        this.toFixed(1, -97, 1e18);
        vm.expectRevert(FieldCodec.BadFixedPoint.selector);
        this.toFixed(1, 0, 0);
        vm.expectRevert(FieldCodec.BadFixedPoint.selector);
        this.toFixed(1, 0, 1e36 + 1);
        vm.expectRevert(FieldCodec.BadFixedPoint.selector);
        this.fromFixed(type(int256).min, 0, 1e18, 16);
        vm.expectRevert(abi.encodeWithSelector(FieldCodec.OutOfRange.selector, int256(32768), 16));
        this.toFixed(32768, 0, 1e18);
        vm.expectRevert(abi.encodeWithSelector(FieldCodec.OutOfRange.selector, int256(256), 9));
        this.fromFixed(256e18, 0, 1e18, 9);
        // The extremes do not overflow.
        this.toFixed(-32768, -96, 1e36);
        assertEq(this.fromFixed(int256(1 << 128), -96, 1e36, 16), 0, "small");
        vm.expectRevert();
        this.fromFixed(int256(1 << 128), 96, 1, 16);
    }

    function testArgmax() public {
        int256[] memory scores = new int256[](4);
        (scores[0], scores[1], scores[2], scores[3]) = (-5, 7, 7, -9);
        assertEq(FieldCodec.argmax(scores), 1, "the first of several");
        scores[0] = 8;
        assertEq(FieldCodec.argmax(scores), 0, "the first");
        scores[3] = 9;
        assertEq(FieldCodec.argmax(scores), 3, "the last");
        vm.expectRevert(abi.encodeWithSelector(FieldCodec.TooShort.selector, 1, 0));
        this.argmax(new int256[](0));
    }

    function argmax(int256[] memory scores) external pure returns (uint256) {
        return FieldCodec.argmax(scores);
    }
}
