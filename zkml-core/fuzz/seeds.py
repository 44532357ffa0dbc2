#!/usr/bin/env python3
"""Models to start from: those of the ONNX suite that is checked in, and the small ones of the examples.

    python3 seeds.py corpus/import      writes each model of at most 64 kB to a file of its own

Format of the suite: tests/onnx_suite/fetch.py.
"""

import pathlib
import struct
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
MOST = 1 << 16


def blobs(data):
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def models():
    suite = zipfile.ZipFile(HERE / "../tests/onnx_suite/cases.zip").read("cases")
    parts = list(blobs(suite))
    for name, model in zip(parts[0::4], parts[1::4]):
        yield name.decode().replace("/", "-"), model
    for path in sorted((HERE / "../../examples/models").rglob("*.onnx")):
        yield "-".join(path.parts[-2:]), path.read_bytes()


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, model in models():
        if len(model) <= MOST:
            (directory / name).write_bytes(model)


if __name__ == "__main__":
    main()
