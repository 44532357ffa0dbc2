// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Integers in public words
/// @notice A public word packs up to eight integers of one tensor: `sum_l 2^(16 l) (v_l + 2^15)` over
/// the live digits `l < 8`; dead digits are 0. An integer `v` of a tensor with `bits` bits is in
/// `[-2^(bits - 1), 2^(bits - 1))` and stands for the real number `v * 2^-scale`.
/// @dev Everything is checked in both directions: a value out of range, a set dead digit or anything
/// above the digits reverts, so that a list of values has one packing and a packing one list.
/// Which digits are live is a mask, bit `l` for digit `l`.
library FieldCodec {
    /// @notice Digits of a word.
    uint256 internal constant DIGITS = 8;
    /// @notice Largest width of an integer.
    uint256 internal constant MAX_BITS = 16;
    /// @notice Largest scale, either way. (Those of compiled models are far smaller.)
    int256 internal constant MAX_SCALE = 96;
    /// @notice Largest unit of a fixed-point number.
    uint256 internal constant MAX_UNIT = 1e36;

    /// @dev What is added to an integer to make a digit.
    uint256 private constant OFFSET = 1 << 15;
    uint256 private constant DIGIT_BITS = 16;
    uint256 private constant DIGIT = 0xffff;
    /// @dev Digits 0, 2, 4, 6.
    uint256 private constant EVEN = 0x0000ffff0000ffff0000ffff0000ffff;

    /// @notice The word is no packing of integers of this width in these digits.
    error NotAPacking(uint256 word);
    /// @notice The value does not fit the width.
    error OutOfRange(int256 value, uint256 bits);
    /// @notice No such width: 1 to 16 bits.
    error BadWidth(uint256 bits);
    /// @notice No such number of digits in a word: 1 to 8.
    error BadLanes(uint256 lanes);
    /// @notice More values or words are needed than there are.
    error TooShort(uint256 needed, uint256 got);
    /// @notice No such scale or unit of a fixed-point number, or the number is too large for it.
    error BadFixedPoint();

    /// @notice Whether `word` packs integers of `bits` bits in the digits of `mask`, and nothing else.
    /// @dev All digits at once: even and odd digits are spread over 32 bits each, where
    /// `digit - (2^15 - 2^(bits - 1))` is at most 17 bits long and must be below `2^bits`.
    /// @param word The word.
    /// @param mask Live digits.
    /// @param bits Width of the integers, 1 to 16.
    /// @return Whether it does.
    function isPacking(uint256 word, uint256 mask, uint256 bits) internal pure returns (bool) {
        if (bits == 0 || bits > MAX_BITS) revert BadWidth(bits);
        if (mask >> DIGITS != 0) revert BadLanes(mask);
        uint256 ones = spread(mask);
        if (word & ~(ones * DIGIT) != 0) return false;
        unchecked {
            uint256 lift = (1 << DIGIT_BITS) - OFFSET + (1 << (bits - 1));
            uint256 high = DIGIT ^ ((1 << bits) - 1);
            uint256 even = ones & EVEN;
            uint256 odd = (ones >> DIGIT_BITS) & EVEN;
            uint256 bad = ((word & EVEN) + even * lift) & (even * high);
            bad |= (((word >> DIGIT_BITS) & EVEN) + odd * lift) & (odd * high);
            return bad == 0;
        }
    }

    /// @notice Reverts unless `isPacking`.
    /// @param word The word.
    /// @param mask Live digits.
    /// @param bits Width of the integers.
    function check(uint256 word, uint256 mask, uint256 bits) internal pure {
        if (!isPacking(word, mask, bits)) revert NotAPacking(word);
    }

    /// @notice Digit `lane` of a word as an integer. The word must have been checked and the digit be
    /// live.
    /// @param word The word.
    /// @param lane The digit's place, below 8.
    /// @return The integer.
    function digit(uint256 word, uint256 lane) internal pure returns (int256) {
        return int256((word >> (DIGIT_BITS * lane)) & DIGIT) - int256(OFFSET);
    }

    /// @notice An integer as a digit in its place, to be added to a word.
    /// @param value The integer.
    /// @param lane The digit's place, below 8.
    /// @param bits Width of the integer.
    /// @return The digit.
    function place(int256 value, uint256 lane, uint256 bits) internal pure returns (uint256) {
        if (!fits(value, bits)) revert OutOfRange(value, bits);
        return uint256(value + int256(OFFSET)) << (DIGIT_BITS * lane);
    }

    /// @notice Whether an integer has at most `bits` bits.
    /// @param value The integer.
    /// @param bits The width, 1 to 16.
    /// @return Whether it does.
    function fits(int256 value, uint256 bits) internal pure returns (bool) {
        if (bits == 0 || bits > MAX_BITS) revert BadWidth(bits);
        int256 half = int256(1 << (bits - 1));
        return -half <= value && value < half;
    }

    /// @notice Mask of the first `count` digits.
    /// @param count Number of digits, at most 8.
    /// @return The mask.
    function firstDigits(uint256 count) internal pure returns (uint256) {
        if (count > DIGITS) revert BadLanes(count);
        return (1 << count) - 1;
    }

    /// @notice Words that `count` integers need, `lanes` to a word.
    /// @param count Number of integers.
    /// @param lanes Integers to a word, 1 to 8.
    /// @return Number of words.
    function wordsFor(uint256 count, uint256 lanes) internal pure returns (uint256) {
        if (lanes == 0 || lanes > DIGITS) revert BadLanes(lanes);
        return (count + lanes - 1) / lanes;
    }

    /// @notice Unpacks integers that stand one after the other, `lanes` to a word, the last word's
    /// other digits dead: a tensor without gaps.
    /// @param words The public words.
    /// @param first Index of the tensor's first word.
    /// @param count Number of integers.
    /// @param lanes Integers to a word.
    /// @param bits Width of the integers.
    /// @return values The integers.
    function unpack(uint256[] memory words, uint256 first, uint256 count, uint256 lanes, uint256 bits)
        internal
        pure
        returns (int256[] memory values)
    {
        uint256 end = first + wordsFor(count, lanes);
        if (end > words.length) revert TooShort(end, words.length);
        values = new int256[](count);
        uint256 done = 0;
        for (uint256 w = first; w < end; ++w) {
            uint256 word = words[w];
            uint256 live = count - done < lanes ? count - done : lanes;
            check(word, firstDigits(live), bits);
            for (uint256 lane = 0; lane < live; ++lane) {
                values[done + lane] = digit(word, lane);
            }
            done += live;
        }
    }

    /// @notice Packs integers as `unpack` reads them.
    /// @param values The integers.
    /// @param lanes Integers to a word.
    /// @param bits Width of the integers.
    /// @return words The words.
    function pack(int256[] memory values, uint256 lanes, uint256 bits)
        internal
        pure
        returns (uint256[] memory words)
    {
        words = new uint256[](wordsFor(values.length, lanes));
        for (uint256 i = 0; i < values.length; ++i) {
            words[i / lanes] += place(values[i], i % lanes, bits);
        }
    }

    /// @notice The real number `value * 2^-scale` as a fixed-point number: the integer nearest to
    /// `value * 2^-scale * unit`, halves up. Exact whenever `2^scale` divides `unit`: with `unit` 1e18
    /// up to scale 18.
    /// @param value An integer of at most 16 bits.
    /// @param scale Its scale.
    /// @param unit What stands for 1, such as 1e18 or 1e8.
    /// @return The fixed-point number.
    function toFixed(int256 value, int256 scale, uint256 unit) internal pure returns (int256) {
        _checkFixed(scale, unit);
        if (!fits(value, MAX_BITS)) revert OutOfRange(value, MAX_BITS);
        // Below 2^(16 + 120 + 96): no overflow.
        int256 scaled = value * int256(unit);
        if (scale <= 0) return scaled * int256(1 << uint256(-scale));
        // A shift to the right of a signed integer rounds down.
        return (scaled + int256(1 << uint256(scale - 1))) >> uint256(scale);
    }

    /// @notice The integer that stands for a fixed-point number: the nearest to
    /// `number / unit * 2^scale`, halves up, as the prover quantises inputs.
    /// @dev The prover's inputs are 32-bit floats: the two agree on numbers that a float holds
    /// exactly, and may differ by one step of the scale on others.
    /// @param number The fixed-point number.
    /// @param scale The tensor's scale.
    /// @param unit What stands for 1.
    /// @param bits The tensor's width; a number out of its range reverts.
    /// @return value The integer.
    function fromFixed(int256 number, int256 scale, uint256 unit, uint256 bits)
        internal
        pure
        returns (int256 value)
    {
        _checkFixed(scale, unit);
        if (number > int256(1 << 128) || number < -int256(1 << 128)) revert BadFixedPoint();
        // floor(number 2^scale / unit + 1/2) = floor((2 number 2^scale + unit) / (2 unit)), with 2^-scale
        // moved to the denominator when the scale is negative. All below 2^(128 + 96 + 2).
        int256 numerator = 2 * number;
        int256 denominator = int256(unit);
        if (scale >= 0) numerator *= int256(1 << uint256(scale));
        else denominator *= int256(1 << uint256(-scale));
        numerator += denominator;
        denominator *= 2;
        value = numerator / denominator;
        if (numerator < 0 && value * denominator != numerator) --value;
        if (!fits(value, bits)) revert OutOfRange(value, bits);
    }

    /// @notice Index of the largest value, the first of several: a classifier's answer.
    /// @param values At least one value.
    /// @return best The index.
    function argmax(int256[] memory values) internal pure returns (uint256 best) {
        if (values.length == 0) revert TooShort(1, 0);
        for (uint256 i = 1; i < values.length; ++i) {
            if (values[i] > values[best]) best = i;
        }
    }

    /// @notice Bit `l` of the mask to bit `16 l`.
    /// @param mask The mask.
    /// @return ones The ones.
    function spread(uint256 mask) internal pure returns (uint256 ones) {
        ones = (mask | (mask << 60)) & 0x000000000000000f000000000000000f;
        ones = (ones | (ones << 30)) & 0x00000003000000030000000300000003;
        ones = (ones | (ones << 15)) & 0x00010001000100010001000100010001;
    }

    function _checkFixed(int256 scale, uint256 unit) private pure {
        if (scale > MAX_SCALE || scale < -MAX_SCALE || unit == 0 || unit > MAX_UNIT) {
            revert BadFixedPoint();
        }
    }
}
