// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Ownership handed over in two steps
/// @notice The new owner accepts: a wrong address never becomes one. There is no way to renounce.
/// @dev As OpenZeppelin's Ownable2Step, small enough to read here.
abstract contract Owned2Step {
    /// @notice The owner.
    address public owner;
    /// @notice Who may accept ownership, if anyone.
    address public pendingOwner;

    /// @notice An owner was named.
    /// @param owner The owner.
    /// @param pendingOwner Who may accept; the zero address if nobody.
    event OwnershipTransferStarted(address indexed owner, address indexed pendingOwner);
    /// @notice The owner changed.
    /// @param previousOwner The owner before; the zero address at deployment.
    /// @param newOwner The owner now.
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    /// @notice The caller is not the owner.
    error NotOwner(address caller);
    /// @notice The caller was not named as the next owner.
    error NotPendingOwner(address caller);
    /// @notice There must be an owner.
    error NoOwner();

    /// @notice Only the owner may call.
    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    /// @notice Sets the first owner.
    /// @param owner_ The owner.
    constructor(address owner_) {
        if (owner_ == address(0)) revert NoOwner();
        owner = owner_;
        emit OwnershipTransferred(address(0), owner_);
    }

    /// @notice Names the next owner; the zero address takes a name back.
    /// @param next Who may accept.
    function transferOwnership(address next) external onlyOwner {
        // slither-disable-next-line missing-zero-check
        pendingOwner = next;
        emit OwnershipTransferStarted(owner, next);
    }

    /// @notice Accepts ownership.
    function acceptOwnership() external {
        if (msg.sender != pendingOwner) revert NotPendingOwner(msg.sender);
        address previous = owner;
        owner = msg.sender;
        delete pendingOwner;
        emit OwnershipTransferred(previous, msg.sender);
    }
}
