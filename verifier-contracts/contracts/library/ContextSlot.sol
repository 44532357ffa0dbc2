// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @notice Where a statement holds its context: first word (16 bits), number of words, digits of a word
/// and bytes of the hash (8 bits each), from the lowest bit up. Zero if it holds none. No digits means
/// one plain word.
type ContextSlot is uint40;

/// @title Context of a proof
/// @notice A proof may be copied by anyone who sees it. A context ties it to one use: chain, consuming
/// contract, caller, nonce and deadline are hashed, and the hash must stand among the public words.
/// Consumers recompute it and never take it from calldata.
/// @dev The words are absorbed before any challenge of the proof, so a proof for one context is no proof
/// for another. That nobody can *turn* one into the other without knowing a witness rests on the
/// simulation extractability of PLONK with KZG in the algebraic group and random oracle models; see
/// GUIDE.md. It binds the prover's choice, not the model's computation: whoever knows the inputs and
/// has the proving key can make another proof with another context.
library ContextSlots {
    /// @dev Bytes of the hash in a plain word: the most that any field element holds.
    uint256 private constant WORD_BYTES = 31;
    bytes32 private constant TYPEHASH = keccak256(
        "ZkmlContext(uint256 chainId,address consumer,address caller,uint256 nonce,uint256 deadline)"
    );

    /// @notice The hash that a proof made for this use must carry.
    /// @param consumer The contract that accepts the proof.
    /// @param caller Who hands it in.
    /// @param nonce What tells the caller's uses apart.
    /// @param deadline Last second at which it is accepted.
    /// @return The hash.
    function contextHash(address consumer, address caller, uint256 nonce, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(TYPEHASH, block.chainid, consumer, caller, nonce, deadline));
    }

    /// @notice No context.
    /// @return The empty slot.
    function none() internal pure returns (ContextSlot) {
        return ContextSlot.wrap(0);
    }

    /// @notice One plain word.
    /// @param first Its index.
    /// @return The slot.
    function word(uint256 first) internal pure returns (ContextSlot) {
        return _slot(first, 1, 0, WORD_BYTES);
    }

    /// @notice A tensor of bytes.
    /// @param first Index of its first word.
    /// @param lanes Digits of a word.
    /// @param bytes_ Number of bytes, 1 to 32.
    /// @return The slot.
    function digits(uint256 first, uint256 lanes, uint256 bytes_) internal pure returns (ContextSlot) {
        return _slot(first, (bytes_ + lanes - 1) / lanes, lanes, bytes_);
    }

    /// @notice Whether there is no context.
    /// @param slot The slot.
    /// @return Whether it is empty.
    function isNone(ContextSlot slot) internal pure returns (bool) {
        return ContextSlot.unwrap(slot) == 0;
    }

    /// @notice Index of the first word.
    /// @param slot The slot.
    /// @return The index.
    function firstWord(ContextSlot slot) internal pure returns (uint256) {
        return ContextSlot.unwrap(slot) & 0xffff;
    }

    /// @notice Number of words, 0 if there is no context.
    /// @param slot The slot.
    /// @return The number.
    function wordCount(ContextSlot slot) internal pure returns (uint256) {
        return (ContextSlot.unwrap(slot) >> 16) & 0xff;
    }

    /// @notice Word `index` of a hash in this slot.
    /// @param slot The slot.
    /// @param hash The hash.
    /// @param index Below `wordCount`.
    /// @return packed The word.
    function wordAt(ContextSlot slot, bytes32 hash, uint256 index)
        internal
        pure
        returns (uint256 packed)
    {
        uint256 lanes = (ContextSlot.unwrap(slot) >> 24) & 0xff;
        uint256 end = ContextSlot.unwrap(slot) >> 32;
        if (lanes == 0) return uint256(hash) >> (8 * (32 - end));
        uint256 begin = index * lanes;
        if (begin + lanes < end) end = begin + lanes;
        // From the highest digit down; a digit is the byte plus 2^15, as FieldCodec has it.
        for (uint256 i = end; i > begin; --i) {
            packed = (packed << 16) | 0x8000 | uint8(hash[i - 1]);
        }
    }

    /// @notice Whether `instances` carry a hash.
    /// @param slot The slot.
    /// @param hash The hash.
    /// @param instances All public words.
    /// @return Whether they do; never if there is no context.
    function carries(ContextSlot slot, bytes32 hash, uint256[] calldata instances)
        internal
        pure
        returns (bool)
    {
        uint256 first = firstWord(slot);
        uint256 count = wordCount(slot);
        if (count == 0 || first + count > instances.length) return false;
        for (uint256 i = 0; i < count; ++i) {
            if (instances[first + i] != wordAt(slot, hash, i)) return false;
        }
        return true;
    }

    /// @notice All public words: `words` with the hash where it belongs.
    /// @param slot The slot.
    /// @param hash The hash.
    /// @param words The words without the context's.
    /// @return instances The words with it; `words` if there is no context.
    function insert(ContextSlot slot, bytes32 hash, uint256[] calldata words)
        internal
        pure
        returns (uint256[] memory instances)
    {
        uint256 first = firstWord(slot);
        uint256 count = wordCount(slot);
        instances = new uint256[](words.length + count);
        for (uint256 i = 0; i < words.length; ++i) {
            instances[i < first ? i : i + count] = words[i];
        }
        for (uint256 i = 0; i < count; ++i) {
            instances[first + i] = wordAt(slot, hash, i);
        }
    }

    function _slot(uint256 first, uint256 words, uint256 lanes, uint256 bytes_)
        private
        pure
        returns (ContextSlot)
    {
        assert(first < 1 << 16 && words < 1 << 8 && lanes < 1 << 8 && bytes_ < 1 << 8);
        return ContextSlot.wrap(uint40(first | (words << 16) | (lanes << 24) | (bytes_ << 32)));
    }
}
