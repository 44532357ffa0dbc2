"""Exports the models of README.md with their exporters and records what onnxruntime computes.

    python make_models.py [PART..]        # torch, wide, classical, quantised; all by default

Of each model there is a folder in target/exporters with `model.onnx`, the external data that the
exporter made, and 4 samples: `inputs.npz` and `outputs.npz`, name to `[4, ..shape]`. What fits goes, as a
zip of the folder, into `models/`.
"""

import os
import pathlib
import shutil
import sys
import zipfile

import numpy as np
import onnx
import onnxruntime as ort

import export_classical
import export_quantised
import export_torch

HERE = pathlib.Path(__file__).parent
OUT = HERE.parents[2] / "target" / "exporters"
LARGEST = 70_000
ort.set_default_logger_severity(4)


def folder_of(name):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def compact(folder):
    """Zeroes the lower half of large float tensors, so that they compress, and forgets stack traces of the
    exporter, which have paths of this machine, and random graph names; nothing else of the files changes."""
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    model.graph.name = folder.name
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if "stack_trace" not in entry.key]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    external = {}
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < 64:
            continue
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            place = {e.key: e.value for e in tensor.external_data}
            data = external.setdefault(place["location"], bytearray((folder / place["location"]).read_bytes()))
            start = int(place.get("offset", 0))
            part = slice(start, start + int(place["length"]))
            data[part] = rounded(bytes(data[part]))
        elif tensor.HasField("raw_data"):
            tensor.raw_data = rounded(tensor.raw_data)
    for location, data in external.items():
        (folder / location).write_bytes(data)
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def rounded(raw):
    return ((np.frombuffer(raw, "<u4") + 0x8000) & 0xFFFF0000).astype("<u4").tobytes()


def outputs_of(folder, inputs):
    """What onnxruntime gives for each sample; a sequence of maps as the array of its values."""
    session = ort.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    results = {name: [] for name in names}
    for i in range(4):
        for name, value in zip(names, session.run(None, {k: v[i] for k, v in inputs.items()})):
            if isinstance(value, list):
                value = np.array([list(entry.values()) for entry in value], np.float32)
            results[name].append(value)
    arrays = {name: np.stack(values) for name, values in results.items()}
    for name, array in arrays.items():
        if array.dtype.kind == "f":
            assert np.isfinite(array).all(), (folder.name, name)
    # Text has no place in the file of numbers.
    return {name: array for name, array in arrays.items() if array.dtype.kind != "O"}


def pack(folder):
    """The zip of a folder, the same bytes for the same content."""
    path = HERE / "models" / f"{folder.name}.zip"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(file.name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes(), compresslevel=9)
    size = path.stat().st_size
    if size > LARGEST:
        path.unlink()
    return size


def finish(name, inputs, is_wide=False):
    folder = folder_of(name)
    if not is_wide:
        compact(folder)
    np.savez(folder / "inputs.npz", **inputs)
    np.savez(folder / "outputs.npz", **outputs_of(folder, inputs))
    size = "wide" if is_wide else pack(folder)
    nodes = len(onnx.load(folder / "model.onnx", load_external_data=False).graph.node)
    print(f"{name}: {nodes} nodes, {size}", flush=True)


def main(parts):
    exported = {}
    if "torch" in parts or "quantised" in parts:
        for name, inputs in export_torch.models(folder_of, wide=False):
            exported[name] = inputs
            finish(name, inputs)
    if "wide" in parts:
        for name, inputs in export_torch.models(folder_of, wide=True):
            finish(name, inputs, is_wide=True)
    if "classical" in parts:
        for name, inputs in export_classical.models(folder_of):
            finish(name, inputs)
    if "quantised" in parts:
        for name, inputs in export_quantised.models(folder_of, exported):
            finish(name, inputs)


if __name__ == "__main__":
    # skl2onnx writes sets in the order of their hashes.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})
    if len(sys.argv) == 1:
        shutil.rmtree(OUT, ignore_errors=True)
        shutil.rmtree(HERE / "models", ignore_errors=True)
    main(sys.argv[1:] or ["torch", "wide", "classical", "quantised"])
