// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ContextSlot, ContextSlots} from "./ContextSlot.sol";
import {FieldCodec} from "./FieldCodec.sol";

/// @notice One tensor of a statement.
/// @param bits Width of its integers.
/// @param scale An integer `v` stands for `v * 2^-scale`.
/// @param lanes Digits of a word in use: 1 to 8 (the machine's lanes, if fewer than 8).
/// @param elements Number of elements.
/// @param places Empty if the elements stand in the digits in order, without gaps. Otherwise two bytes,
/// big-endian, for each digit of each word (`lanes` to a word): the element that stands there (row-major),
/// or 0xffff for a dead digit.
struct Tensor {
    uint8 bits;
    int16 scale;
    uint8 lanes;
    uint16 elements;
    bytes places;
}

/// @notice Where a statement holds the context that binds a proof to its use.
enum ContextKind {
    /// Nowhere: proofs cannot be bound.
    None,
    /// A tensor whose elements are the leading bytes of the context's hash.
    Bytes,
    /// One word behind all tensors: the hash without its last byte.
    Word
}

/// @notice What a model's public words mean: its inputs (none when they are private), then its outputs,
/// each tensor's words in order.
/// @param inputs Public inputs.
/// @param outputs Outputs.
/// @param contextKind Where the context is.
/// @param contextTensor For {ContextKind.Bytes}: the tensor, counted through inputs and outputs.
struct Schema {
    Tensor[] inputs;
    Tensor[] outputs;
    ContextKind contextKind;
    uint8 contextTensor;
}

/// @title Schemas of public words
/// @notice Checks schemas and decodes words by them. See {FieldCodec} for the words.
library IoSchema {
    /// @dev An element's place that holds none.
    uint256 private constant DEAD = 0xffff;
    /// @dev Bytes of a run in `formats`.
    uint256 private constant RUN = 4;
    /// @dev Fewest bytes of a context: 128 bits against a second preimage.
    uint256 private constant MIN_CONTEXT = 16;
    /// @dev Width that a byte from 0 to 255 needs as a signed integer.
    uint256 private constant BYTE_BITS = 9;

    /// @dev Most public words: far more than a block's gas can verify.
    uint256 private constant MAX_WORDS = 0xffff;

    /// @notice The schema is not well formed.
    error BadSchema();
    /// @notice Not as many values or words as the schema says.
    error WrongLength(uint256 expected, uint256 got);
    /// @notice There is no such tensor.
    error NoSuchTensor(uint256 tensor);

    /// @notice What a registry binds a schema by.
    /// @param schema The schema.
    /// @return The hash.
    function hash(Schema memory schema) internal pure returns (bytes32) {
        return keccak256(abi.encode(schema));
    }

    /// @notice Number of tensors, inputs and outputs.
    /// @param schema The schema.
    /// @return The number.
    function tensors(Schema memory schema) internal pure returns (uint256) {
        return schema.inputs.length + schema.outputs.length;
    }

    /// @notice A tensor, counted through inputs and outputs.
    /// @param schema The schema.
    /// @param index Its index.
    /// @return The tensor.
    function tensorAt(Schema memory schema, uint256 index) internal pure returns (Tensor memory) {
        uint256 inputs = schema.inputs.length;
        if (index < inputs) return schema.inputs[index];
        if (index - inputs >= schema.outputs.length) revert NoSuchTensor(index);
        return schema.outputs[index - inputs];
    }

    /// @notice Words of a tensor.
    /// @param tensor The tensor.
    /// @return The number.
    function wordsOf(Tensor memory tensor) internal pure returns (uint256) {
        if (tensor.places.length == 0) return FieldCodec.wordsFor(tensor.elements, tensor.lanes);
        return FieldCodec.wordsFor(tensor.places.length / 2, tensor.lanes);
    }

    /// @notice Index of a tensor's first word.
    /// @param schema The schema.
    /// @param index The tensor, counted through inputs and outputs.
    /// @return first The index.
    function firstWord(Schema memory schema, uint256 index) internal pure returns (uint256 first) {
        for (uint256 t = 0; t < index; ++t) {
            first += wordsOf(tensorAt(schema, t));
        }
    }

    /// @notice Words of the inputs.
    /// @param schema The schema.
    /// @return The number.
    function inputWords(Schema memory schema) internal pure returns (uint256) {
        return firstWord(schema, schema.inputs.length);
    }

    /// @notice All public words, the context's included.
    /// @param schema The schema.
    /// @return words The number.
    function countWords(Schema memory schema) internal pure returns (uint256 words) {
        words = firstWord(schema, tensors(schema));
        if (schema.contextKind == ContextKind.Word) ++words;
    }

    /// @notice Where the context is. Reverts if it is no tensor of at least 16 bytes.
    /// @param schema The schema.
    /// @return The place, empty if there is none.
    function contextSlot(Schema memory schema) internal pure returns (ContextSlot) {
        if (schema.contextKind == ContextKind.None) return ContextSlots.none();
        if (schema.contextKind == ContextKind.Word) {
            return ContextSlots.word(firstWord(schema, tensors(schema)));
        }
        Tensor memory tensor = tensorAt(schema, schema.contextTensor);
        uint256 bytes_ = tensor.elements;
        if (
            tensor.scale != 0 || tensor.bits < BYTE_BITS || tensor.places.length != 0
                || bytes_ < MIN_CONTEXT || bytes_ > 32
        ) revert BadSchema();
        return ContextSlots.digits(firstWord(schema, schema.contextTensor), tensor.lanes, bytes_);
    }

    /// @notice Reverts unless the schema is well formed: widths, digits, each element in one place, a
    /// context that is one, at least one output.
    /// @param schema The schema.
    function check(Schema memory schema) internal pure {
        if (schema.outputs.length == 0) revert BadSchema();
        if (schema.contextKind != ContextKind.Bytes && schema.contextTensor != 0) revert BadSchema();
        uint256 count = tensors(schema);
        for (uint256 t = 0; t < count; ++t) {
            _checkTensor(tensorAt(schema, t));
        }
        if (countWords(schema) > MAX_WORDS) revert BadSchema();
        contextSlot(schema);
    }

    /// @notice Unpacks one tensor.
    /// @param tensor The tensor.
    /// @param words The public words.
    /// @param first Index of its first word.
    /// @return values Its integers, row-major.
    function decode(Tensor memory tensor, uint256[] memory words, uint256 first)
        internal
        pure
        returns (int256[] memory values)
    {
        if (tensor.places.length == 0) {
            return FieldCodec.unpack(words, first, tensor.elements, tensor.lanes, tensor.bits);
        }
        values = new int256[](tensor.elements);
        uint256 count = wordsOf(tensor);
        if (first + count > words.length) revert FieldCodec.TooShort(first + count, words.length);
        for (uint256 w = 0; w < count; ++w) {
            uint256 word = words[first + w];
            FieldCodec.check(word, _mask(tensor, w), tensor.bits);
            for (uint256 lane = 0; lane < tensor.lanes; ++lane) {
                uint256 element = _element(tensor, w * tensor.lanes + lane);
                if (element != DEAD) values[element] = FieldCodec.digit(word, lane);
            }
        }
    }

    /// @notice Packs one tensor.
    /// @param tensor The tensor.
    /// @param values Its integers, row-major.
    /// @return words Its words.
    function encode(Tensor memory tensor, int256[] memory values)
        internal
        pure
        returns (uint256[] memory words)
    {
        if (values.length != tensor.elements) {
            revert WrongLength(tensor.elements, values.length);
        }
        if (tensor.places.length == 0) return FieldCodec.pack(values, tensor.lanes, tensor.bits);
        words = new uint256[](wordsOf(tensor));
        for (uint256 d = 0; d < tensor.places.length / 2; ++d) {
            uint256 element = _element(tensor, d);
            if (element == DEAD) continue;
            uint256 lane = d % tensor.lanes;
            words[d / tensor.lanes] += FieldCodec.place(values[element], lane, tensor.bits);
        }
    }

    /// @notice What each word may be, short enough for storage: runs of `count` (two bytes), mask, bits.
    /// The context's words are left out.
    /// @param schema The schema.
    /// @return runs The runs, four bytes each.
    function formats(Schema memory schema) internal pure returns (bytes memory runs) {
        uint256 run = 0;
        uint256 length = 0;
        uint256 count = tensors(schema);
        for (uint256 t = 0; t < count; ++t) {
            if (schema.contextKind == ContextKind.Bytes && schema.contextTensor == t) continue;
            Tensor memory tensor = tensorAt(schema, t);
            uint256 words = wordsOf(tensor);
            for (uint256 w = 0; w < words; ++w) {
                uint256 format = (_mask(tensor, w) << 8) | tensor.bits;
                if (length > 0 && format == run && length < 0xffff) {
                    ++length;
                    continue;
                }
                if (length > 0) runs = abi.encodePacked(runs, uint16(length), uint16(run));
                (run, length) = (format, 1);
            }
        }
        if (length > 0) runs = abi.encodePacked(runs, uint16(length), uint16(run));
    }

    /// @notice Reverts unless each of `words` (without the context's) is a packing by `runs`.
    /// @param runs From `formats`.
    /// @param words The words.
    function checkFormats(bytes memory runs, uint256[] calldata words) internal pure {
        uint256 next = 0;
        for (uint256 offset = 0; offset < runs.length; offset += RUN) {
            uint256 run;
            // Four bytes from `offset`, as a number.
            assembly ("memory-safe") {
                run := shr(224, mload(add(add(runs, 0x20), offset)))
            }
            uint256 end = next + (run >> 16);
            if (end > words.length) revert WrongLength(end, words.length);
            for (; next < end; ++next) {
                FieldCodec.check(words[next], (run >> 8) & 0xff, run & 0xff);
            }
        }
        if (next != words.length) revert WrongLength(next, words.length);
    }

    /// @dev Live digits of a tensor's word.
    function _mask(Tensor memory tensor, uint256 word) private pure returns (uint256 mask) {
        uint256 start = word * tensor.lanes;
        if (tensor.places.length == 0) {
            uint256 rest = tensor.elements - start;
            return FieldCodec.firstDigits(rest < tensor.lanes ? rest : tensor.lanes);
        }
        for (uint256 lane = 0; lane < tensor.lanes; ++lane) {
            if (_element(tensor, start + lane) != DEAD) mask |= 1 << lane;
        }
    }

    /// @dev The element in a digit, digits counted through all words.
    function _element(Tensor memory tensor, uint256 index) private pure returns (uint256) {
        bytes memory places = tensor.places;
        return (uint256(uint8(places[2 * index])) << 8) | uint8(places[2 * index + 1]);
    }

    function _checkTensor(Tensor memory tensor) private pure {
        int256 scale = tensor.scale;
        if (
            tensor.bits == 0 || tensor.bits > FieldCodec.MAX_BITS || tensor.lanes == 0
                || tensor.lanes > FieldCodec.DIGITS || tensor.elements == 0
                || tensor.elements == DEAD || scale > FieldCodec.MAX_SCALE
                || scale < -FieldCodec.MAX_SCALE
        ) revert BadSchema();
        uint256 length = tensor.places.length;
        if (length == 0) return;
        if (length % (2 * uint256(tensor.lanes)) != 0) revert BadSchema();
        bool[] memory seen = new bool[](tensor.elements);
        uint256 found = 0;
        for (uint256 d = 0; d < length / 2; ++d) {
            uint256 element = _element(tensor, d);
            if (element == DEAD) continue;
            if (element >= tensor.elements || seen[element]) revert BadSchema();
            seen[element] = true;
            ++found;
        }
        if (found != tensor.elements) revert BadSchema();
    }
}
