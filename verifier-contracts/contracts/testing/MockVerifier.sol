// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IZkmlVerifier} from "../IZkmlVerifier.sol";

/// @title Stand-in for a verifier in tests
/// @notice Accepts what it is told to accept: `setValid`, or everything while `acceptsAll`. Deploys on
/// development chains only.
contract MockVerifier is IZkmlVerifier {
    /// @inheritdoc IZkmlVerifier
    bytes32 public immutable vkDigest;
    /// @inheritdoc IZkmlVerifier
    uint256 public immutable numInstances;
    /// @notice Whether every proof of every statement is accepted.
    bool public acceptsAll;

    mapping(bytes32 statement => bool isValid) private _valid;

    /// @notice This is not a development chain.
    error NotADevelopmentChain(uint256 chainId);

    /// @notice A verifier that accepts nothing yet.
    /// @param vkDigest_ What `vkDigest` says.
    /// @param numInstances_ What `numInstances` says.
    constructor(bytes32 vkDigest_, uint256 numInstances_) {
        if (block.chainid != 31337 && block.chainid != 1337) revert NotADevelopmentChain(block.chainid);
        vkDigest = vkDigest_;
        numInstances = numInstances_;
    }

    /// @notice Accepts everything from now on, or only what `setValid` names.
    /// @param all Whether to accept everything.
    function setAcceptsAll(bool all) external {
        acceptsAll = all;
    }

    /// @notice Accepts one proof of one statement.
    /// @param proof The proof.
    /// @param instances The public words.
    function setValid(bytes calldata proof, uint256[] calldata instances) external {
        _valid[keccak256(abi.encode(proof, instances))] = true;
    }

    /// @inheritdoc IZkmlVerifier
    function verify(bytes calldata proof, uint256[] calldata instances) external view {
        if (!tryVerify(proof, instances)) revert InvalidProof();
    }

    /// @inheritdoc IZkmlVerifier
    /// @dev The identity twice, which any pairing accepts.
    function accumulate(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256, uint256, uint256, uint256)
    {
        if (!tryVerify(proof, instances)) revert InvalidProof();
        return (0, 0, 0, 0);
    }

    /// @inheritdoc IZkmlVerifier
    /// @dev The generator of the second group: the secret is 1.
    function srsG2() external pure returns (uint256[4] memory) {
        return [
            0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
            0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
            0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b,
            0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa
        ];
    }

    /// @inheritdoc IZkmlVerifier
    function version() external pure returns (string memory) {
        return "mock";
    }

    /// @inheritdoc IZkmlVerifier
    function tryVerify(bytes calldata proof, uint256[] calldata instances)
        public
        view
        returns (bool valid)
    {
        if (instances.length != numInstances) return false;
        return acceptsAll || _valid[keccak256(abi.encode(proof, instances))];
    }
}
