// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Test} from "./Test.sol";
import {ContextSlot, ContextSlots} from "../contracts/library/ContextSlot.sol";
import {FieldCodec} from "../contracts/library/FieldCodec.sol";
import {ContextKind, IoSchema, Schema, Tensor} from "../contracts/library/IoSchema.sol";

/// @dev Tensors and schemas: what the prover's command line printed, and random ones with gaps.
contract IoSchemaTest is Test {
    using ContextSlots for ContextSlot;

    struct Golden {
        Schema schema;
        uint256[] instances;
        int256[][] integers;
        int256[][] wad;
    }

    function golden(string memory name) internal view returns (Golden memory g) {
        string memory json = vm.readFile("test/fixtures/words.json");
        string memory root = string.concat(".", name);
        g.instances = vm.parseJsonUintArray(json, string.concat(root, ".instances"));
        uint256 inputs = 0;
        uint256 count = 0;
        while (vm.keyExistsJson(json, path(root, count, ".name"))) {
            if (vm.parseJsonBool(json, path(root, count, ".input"))) ++inputs;
            ++count;
        }
        g.schema.inputs = new Tensor[](inputs);
        g.schema.outputs = new Tensor[](count - inputs);
        g.integers = new int256[][](count);
        g.wad = new int256[][](count);
        for (uint256 t = 0; t < count; ++t) {
            Tensor memory tensor = Tensor({
                bits: uint8(vm.parseJsonUint(json, path(root, t, ".bits"))),
                scale: int16(vm.parseJsonInt(json, path(root, t, ".scale"))),
                lanes: uint8(vm.parseJsonUint(json, path(root, t, ".lanes"))),
                elements: uint16(vm.parseJsonUint(json, path(root, t, ".elements"))),
                places: vm.parseJsonBytes(json, path(root, t, ".places"))
            });
            if (t < inputs) g.schema.inputs[t] = tensor;
            else g.schema.outputs[t - inputs] = tensor;
            g.integers[t] = vm.parseJsonIntArray(json, path(root, t, ".integers"));
            g.wad[t] = vm.parseJsonIntArray(json, path(root, t, ".wad"));
        }
    }

    function path(string memory root, uint256 tensor, string memory field)
        private
        pure
        returns (string memory)
    {
        return string.concat(root, ".tensors[", vm.toString(tensor), "]", field);
    }

    function checkGolden(string memory name) private view {
        Golden memory g = golden(name);
        IoSchema.check(g.schema);
        assertEq(IoSchema.countWords(g.schema), g.instances.length, "number of words");
        for (uint256 t = 0; t < g.integers.length; ++t) {
            Tensor memory tensor = IoSchema.tensorAt(g.schema, t);
            uint256 first = IoSchema.firstWord(g.schema, t);
            int256[] memory values = IoSchema.decode(tensor, g.instances, first);
            require(keccak256(abi.encode(values)) == keccak256(abi.encode(g.integers[t])), "decode");
            uint256[] memory words = IoSchema.encode(tensor, values);
            for (uint256 w = 0; w < words.length; ++w) {
                assertEq(words[w], g.instances[first + w], "encode");
            }
            for (uint256 i = 0; i < values.length; ++i) {
                assertEq(FieldCodec.toFixed(values[i], tensor.scale, 1e18), g.wad[t][i], "toFixed");
                assertEq(
                    FieldCodec.fromFixed(g.wad[t][i], tensor.scale, 1e18, tensor.bits),
                    values[i],
                    "fromFixed"
                );
            }
        }
        this.checkFormats(IoSchema.formats(g.schema), g.instances);
    }

    function testGoldenDigits() public view {
        checkGolden("digits");
    }

    /// Its tensors are stored by feature: elements are not in order.
    function testGoldenIris() public view {
        assertTrue(golden("iris").schema.inputs[0].places.length > 0, "places");
        checkGolden("iris");
    }

    function testGoldenContext() public view {
        Golden memory g = golden("digits");
        // The proof was made with the bytes 7, 8, 9, ... as context, as second input and second output.
        bytes32 context;
        for (uint256 i = 0; i < 32; ++i) {
            context |= bytes32((7 + i) << (248 - 8 * i));
        }
        g.schema.contextKind = ContextKind.Bytes;
        for (uint8 tensor = 1; tensor <= 3; tensor += 2) {
            g.schema.contextTensor = tensor;
            IoSchema.check(g.schema);
            ContextSlot slot = IoSchema.contextSlot(g.schema);
            assertEq(slot.firstWord(), tensor == 1 ? 16 : 27, "first word");
            assertEq(slot.wordCount(), 8, "words");
            assertTrue(this.carries(slot, context, g.instances), "carries");
            assertTrue(!this.carries(slot, context ^ bytes32(uint256(1)), g.instances), "another");
            assertTrue(!this.carries(slot, context ^ bytes32(uint256(1) << 255), g.instances), "another");
        }
        g.schema.contextTensor = 2;
        vmExpectBadSchema(g.schema);
    }

    function vmExpectBadSchema(Schema memory schema) private view {
        try this.check(schema) {
            revert("accepted");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IoSchema.BadSchema.selector, "reason");
        }
    }

    function check(Schema memory schema) external pure {
        IoSchema.check(schema);
    }

    function checkFormats(bytes memory runs, uint256[] calldata words) external pure {
        IoSchema.checkFormats(runs, words);
    }

    function carries(ContextSlot slot, bytes32 hash, uint256[] calldata instances)
        external
        pure
        returns (bool)
    {
        return slot.carries(hash, instances);
    }

    function insert(ContextSlot slot, bytes32 hash, uint256[] calldata words)
        external
        pure
        returns (uint256[] memory)
    {
        return slot.insert(hash, words);
    }

    function decode(Tensor memory tensor, uint256[] memory words) external pure returns (int256[] memory) {
        return IoSchema.decode(tensor, words, 0);
    }

    /// @dev A tensor whose elements stand in random digits.
    function randomTensor(uint256 seed) private pure returns (Tensor memory tensor) {
        tensor.bits = uint8(bound(seed, 1, 16));
        tensor.lanes = uint8(bound(seed >> 8, 1, 8));
        tensor.elements = uint16(bound(seed >> 16, 1, 20));
        uint256 words = (tensor.elements + tensor.lanes - 1) / tensor.lanes + (seed >> 32) % 3;
        uint256 digits = words * tensor.lanes;
        uint256[] memory order = new uint256[](digits);
        for (uint256 i = 0; i < digits; ++i) {
            order[i] = i < tensor.elements ? i : 0xffff;
            uint256 j = uint256(keccak256(abi.encode(seed, i))) % (i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        for (uint256 i = 0; i < digits; ++i) {
            tensor.places = abi.encodePacked(tensor.places, uint16(order[i]));
        }
    }

    function testFuzzPlaces(uint256 seed) public view {
        Schema memory schema;
        schema.outputs = new Tensor[](1);
        schema.outputs[0] = randomTensor(seed);
        Tensor memory tensor = schema.outputs[0];
        IoSchema.check(schema);
        int256[] memory values = new int256[](tensor.elements);
        for (uint256 i = 0; i < values.length; ++i) {
            values[i] = boundInt(uint256(keccak256(abi.encode(seed, "value", i))), tensor.bits);
        }
        uint256[] memory words = IoSchema.encode(tensor, values);
        bytes memory runs = IoSchema.formats(schema);
        this.checkFormats(runs, words);
        int256[] memory back = IoSchema.decode(tensor, words, 0);
        require(keccak256(abi.encode(back)) == keccak256(abi.encode(values)), "round trip");
        // Any other bit: another list of the same tensor, or no packing.
        uint256 w = seed % words.length;
        words[w] ^= 1 << (uint256(keccak256(abi.encode(seed, "bit"))) % 256);
        try this.decode(tensor, words) returns (int256[] memory other) {
            require(keccak256(abi.encode(other)) != keccak256(abi.encode(values)), "two packings");
            require(IoSchema.encode(tensor, other)[w] == words[w], "round trip of the other");
            this.checkFormats(runs, words);
        } catch (bytes memory reason) {
            require(bytes4(reason) == FieldCodec.NotAPacking.selector, "reason");
            try this.checkFormats(runs, words) {
                revert("formats accept");
            } catch (bytes memory same) {
                require(bytes4(same) == FieldCodec.NotAPacking.selector, "reason of formats");
            }
        }
    }

    function testFormatsAreShort() public view {
        Golden memory g = golden("digits");
        // 16 full words of 9 bits; 8 of 10; 2 of 9; half a word; 8 of 10.
        require(
            keccak256(IoSchema.formats(g.schema)) == keccak256(hex"00100f0900080f0a00020f090001030900080f0a"),
            "runs"
        );
        g.schema.contextKind = ContextKind.Bytes;
        g.schema.contextTensor = 3;
        require(
            keccak256(IoSchema.formats(g.schema)) == keccak256(hex"00100f0900080f0a00020f0900010309"),
            "without the context"
        );
    }

    function testFormatsRefuseOtherLengths() public {
        Golden memory g = golden("iris");
        bytes memory runs = IoSchema.formats(g.schema);
        uint256[] memory more = new uint256[](g.instances.length + 1);
        uint256[] memory less = new uint256[](g.instances.length - 1);
        for (uint256 i = 0; i < g.instances.length; ++i) {
            more[i] = g.instances[i];
            if (i < less.length) less[i] = g.instances[i];
        }
        vm.expectRevert(abi.encodeWithSelector(IoSchema.WrongLength.selector, 14, 15));
        this.checkFormats(runs, more);
        vm.expectRevert(abi.encodeWithSelector(IoSchema.WrongLength.selector, 14, 13));
        this.checkFormats(runs, less);
    }

    function testBadSchemas() public view {
        Schema memory schema = golden("digits").schema;
        this.check(schema);
        schema.contextTensor = 1;
        vmExpectBadSchema(schema);
        schema.contextKind = ContextKind.Word;
        vmExpectBadSchema(schema);
        schema.contextTensor = 0;
        this.check(schema);
        schema.contextKind = ContextKind.None;

        Schema memory none;
        none.inputs = schema.inputs;
        vmExpectBadSchema(none);

        Tensor memory tensor = schema.outputs[1];
        schema.contextKind = ContextKind.Bytes;
        schema.contextTensor = 3;
        this.check(schema);
        tensor.elements = 33;
        vmExpectBadSchema(schema);
        tensor.elements = 15;
        vmExpectBadSchema(schema);
        tensor.elements = 16;
        this.check(schema);
        tensor.bits = 8;
        vmExpectBadSchema(schema);
        tensor.bits = 9;
        this.check(schema);
        tensor.scale = 1;
        vmExpectBadSchema(schema);
        tensor.scale = 0;
        schema.contextKind = ContextKind.None;
        schema.contextTensor = 0;

        tensor.bits = 17;
        vmExpectBadSchema(schema);
        tensor.bits = 0;
        vmExpectBadSchema(schema);
        tensor.bits = 16;
        tensor.lanes = 9;
        vmExpectBadSchema(schema);
        tensor.lanes = 0;
        vmExpectBadSchema(schema);
        tensor.lanes = 8;
        tensor.elements = 0;
        vmExpectBadSchema(schema);
        tensor.elements = 0xffff;
        vmExpectBadSchema(schema);
        tensor.elements = 2;
        tensor.scale = 97;
        vmExpectBadSchema(schema);
        tensor.scale = -97;
        vmExpectBadSchema(schema);
        tensor.scale = -96;
        this.check(schema);

        tensor.lanes = 4;
        tensor.places = hex"00000001ffffffff";
        this.check(schema);
        tensor.places = hex"00000000ffffffff";
        vmExpectBadSchema(schema);
        tensor.places = hex"0000ffffffffffff";
        vmExpectBadSchema(schema);
        tensor.places = hex"000000010002ffff";
        vmExpectBadSchema(schema);
        tensor.places = hex"00000001ffff";
        vmExpectBadSchema(schema);
        // A word of dead digits is none too many: the machine has such words.
        tensor.places = hex"00000001ffffffffffffffffffffffff";
        this.check(schema);
        tensor.lanes = 1;
        tensor.places = "";
        tensor.elements = 0xfffe;
        vmExpectBadSchema(schema);
    }

    function testContextSlots() public view {
        bytes32 hash = keccak256("context");
        uint256[] memory words = new uint256[](5);
        for (uint256 i = 0; i < 5; ++i) {
            words[i] = 100 + i;
        }
        for (uint256 lanes = 0; lanes <= 8; ++lanes) {
            for (uint256 first = 0; first <= 5; ++first) {
                ContextSlot slot =
                    lanes == 0 ? ContextSlots.word(first) : ContextSlots.digits(first, lanes, 19);
                uint256[] memory instances = this.insert(slot, hash, words);
                uint256 count = lanes == 0 ? 1 : (19 + lanes - 1) / lanes;
                assertEq(slot.wordCount(), count, "words");
                assertEq(instances.length, 5 + count, "all words");
                assertTrue(this.carries(slot, hash, instances), "carries");
                for (uint256 i = 0; i < 5; ++i) {
                    assertEq(instances[i < first ? i : i + count], 100 + i, "the others in order");
                }
                for (uint256 w = first; w < first + count; ++w) {
                    instances[w] ^= 1;
                    assertTrue(!this.carries(slot, hash, instances), "each word counts");
                    instances[w] ^= 1;
                }
                bytes memory digits;
                if (lanes > 0) {
                    uint256[] memory packed = new uint256[](count);
                    for (uint256 w = 0; w < count; ++w) packed[w] = instances[first + w];
                    int256[] memory values = FieldCodec.unpack(packed, 0, 19, lanes, 9);
                    for (uint256 i = 0; i < 19; ++i) digits = abi.encodePacked(digits, uint8(int8(values[i] - 128)) ^ 0x80);
                    for (uint256 i = 0; i < 19; ++i) assertEq(uint256(uint8(digits[i])), uint256(uint8(hash[i])), "bytes of the hash");
                } else {
                    assertEq(instances[first], uint256(hash) >> 8, "31 bytes");
                }
            }
        }
        assertTrue(!this.carries(ContextSlots.none(), hash, words), "no context is never carried");
        assertTrue(!this.carries(ContextSlots.word(5), hash, words), "behind the words");
        assertEq(this.insert(ContextSlots.none(), hash, words).length, 5, "nothing to insert");
    }
}
