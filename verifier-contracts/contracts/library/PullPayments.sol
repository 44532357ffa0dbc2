// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Payments that are fetched
/// @notice Nobody is sent anything unasked: amounts are credited, and fetched by their owners. So no
/// receiver can block, or re-enter, what credits it.
abstract contract PullPayments {
    /// @notice What an account can fetch, in wei.
    mapping(address account => uint256 amount) public credit;

    /// @notice An account was credited.
    /// @param account The account.
    /// @param amount What was added, in wei.
    event Credited(address indexed account, uint256 amount);
    /// @notice An account fetched what it was credited.
    /// @param account Whose credit it was.
    /// @param to Where it was sent.
    /// @param amount What was sent, in wei.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice There is nothing to fetch.
    error NothingToWithdraw(address account);
    /// @notice The receiver did not take it.
    error TransferFailed(address to);

    /// @notice Sends all that the caller was credited.
    /// @param to Where to: for contracts that cannot be paid themselves.
    function withdraw(address payable to) external {
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        if (to == address(0)) revert TransferFailed(to);
        delete credit[msg.sender];
        emit Withdrawn(msg.sender, to, amount);
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed(to);
    }

    /// @notice Adds to what an account can fetch.
    /// @param account The account.
    /// @param amount The amount, of what this contract holds.
    function _credit(address account, uint256 amount) internal {
        if (amount == 0) return;
        credit[account] += amount;
        emit Credited(account, amount);
    }
}
