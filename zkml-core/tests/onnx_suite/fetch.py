#!/usr/bin/env python3
"""Packs the official ONNX backend suite into one file for tests/onnx_suite.

    python3 fetch.py cases.zip --most 16000      the subset that is checked in
    python3 fetch.py ../../../target/cases.zip   everything; run with ZKML_ONNX_SUITE=target/cases.zip

Downloads the wheel of onnx 1.22.0 from PyPI (the last one that carries the suite's data as files)
and checks its SHA-256. Needs Python 3.9 and nothing else. Source and licence of the cases:
https://github.com/onnx/onnx, Apache-2.0.

Format of the one member `cases`: for each case, in order of their names, four blobs: name, model,
inputs, outputs. A blob is a length (u32, little endian) and as many bytes; inputs and outputs are
blobs of blobs.
"""

import argparse
import hashlib
import io
import re
import struct
import sys
import urllib.request
import zipfile

URL = "https://pypi.org/simple/onnx/"
WHEEL = re.compile(r'href="([^"#]*onnx-1\.22\.0-cp312-abi3-[^"#]*x86_64\.whl)#sha256=([0-9a-f]{64})"')
SHA256 = "955e02e1f6d385b53d52f9cd7b9cdf5caf417c300bcfe3c64c6d542be763845b"
DATA = "onnx/backend/test/data/"
KINDS = ["node", "pytorch-converted", "pytorch-operator", "simple"]


def download():
    page = urllib.request.urlopen(URL).read().decode()
    match = WHEEL.search(page)
    if match is None:
        sys.exit(f"no wheel of onnx 1.22.0 at {URL}")
    wheel = urllib.request.urlopen(match.group(1)).read()
    got = hashlib.sha256(wheel).hexdigest()
    if got != SHA256:
        sys.exit(f"the wheel has SHA-256 {got}, expected {SHA256}")
    return zipfile.ZipFile(io.BytesIO(wheel))


def blob(data):
    return struct.pack("<I", len(data)) + data


def cases(wheel):
    """Name, and the files model, inputs, outputs of each case."""
    found = {}
    for name in wheel.namelist():
        for kind in KINDS:
            prefix = f"{DATA}{kind}/"
            if name.startswith(prefix) and not name.endswith("/"):
                case, _, file = name[len(prefix):].partition("/")
                found.setdefault(f"{kind}/{case}", {})[file] = name
    for case, files in sorted(found.items()):
        data = {file: wheel.read(name) for file, name in files.items()}

        def numbered(what):
            path = "test_data_set_0/{}_{}.pb"
            count = sum(file.startswith(f"test_data_set_0/{what}_") for file in data)
            return [data[path.format(what, i)] for i in range(count)]

        yield case, data["model.onnx"], numbered("input"), numbered("output")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("--most", type=int, default=1 << 31, help="largest case, in bytes")
    options = parser.parse_args()
    packed, count = b"", 0
    for case, model, inputs, outputs in cases(download()):
        if len(model) + sum(map(len, inputs + outputs)) <= options.most:
            lists = [b"".join(map(blob, files)) for files in (inputs, outputs)]
            packed += b"".join(map(blob, [case.encode(), model, *lists]))
            count += 1
    member = zipfile.ZipInfo("cases", (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(options.output, "w") as file:
        file.writestr(member, packed, compresslevel=9)
    print(f"{count} cases, {len(packed)} bytes")


main()
