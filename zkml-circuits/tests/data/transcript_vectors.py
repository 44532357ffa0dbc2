#!/usr/bin/env python3
"""Known answers of the Keccak transcript, computed apart from the Rust code.

Keccak-256 (original padding, as in the EVM) and BN254's G1 are written out here. Run it to
reproduce the constants of tests/plonk_transcript.rs.
"""

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
MASK = (1 << 64) - 1


def rotl(v, s):
    s %= 64
    return ((v << s) | (v >> (64 - s))) & MASK


def permute(a):
    lfsr = 1
    for _ in range(24):
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1) for x in range(5)]
        a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
        x, y = 1, 0
        cur = a[x][y]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            cur, a[x][y] = a[x][y], rotl(cur, (t + 1) * (t + 2) // 2)
        for y in range(5):
            row = [a[x][y] for x in range(5)]
            for x in range(5):
                a[x][y] = row[x] ^ (~row[(x + 1) % 5] & MASK & row[(x + 2) % 5])
        for j in range(7):
            if lfsr & 1:
                a[0][0] ^= 1 << ((1 << j) - 1)
            lfsr = ((lfsr << 1) ^ ((lfsr >> 7) * 0x171)) & 0xFF
    return a


def keccak256(data):
    rate = 136
    padded = bytearray(data) + b"\x01"
    padded += b"\x00" * (-len(padded) % rate)
    padded[-1] |= 0x80
    a = [[0] * 5 for _ in range(5)]
    for off in range(0, len(padded), rate):
        for i in range(rate // 8):
            a[i % 5][i // 5] ^= int.from_bytes(padded[off + 8 * i : off + 8 * i + 8], "little")
        a = permute(a)
    return b"".join(a[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


class Transcript:
    def __init__(self, digest):
        self.buffer, self.squeezed = digest, False

    def scalar(self, v):
        assert v < R
        self.buffer += v.to_bytes(32, "big")

    def point(self, p):
        assert p[1] ** 2 % Q == (p[0] ** 3 + 3) % Q
        self.buffer += p[0].to_bytes(32, "big") + p[1].to_bytes(32, "big")

    def squeeze(self):
        if len(self.buffer) == 32 and self.squeezed:
            self.buffer += b"\x01"
        self.buffer, self.squeezed = keccak256(self.buffer), True
        return int.from_bytes(self.buffer, "big") % R


def double(p):
    s = 3 * p[0] * p[0] * pow(2 * p[1], -1, Q) % Q
    x = (s * s - 2 * p[0]) % Q
    return x, (s * (p[0] - x) - p[1]) % Q


if __name__ == "__main__":
    g = (1, 2)
    t = Transcript(bytes(range(32)))
    print("%064x" % t.squeeze())  # nothing absorbed but the digest
    print("%064x" % t.squeeze())  # two in a row
    t.scalar(5)
    t.scalar(R - 1)
    print("%064x" % t.squeeze())
    t.point(g)
    t.point(double(g))
    t.scalar(0)
    print("%064x" % t.squeeze())
    print("%064x" % t.squeeze())
    print("%064x" % t.squeeze())
    for i in range(40):  # more than one block
        t.scalar(i)
    print("%064x" % t.squeeze())
