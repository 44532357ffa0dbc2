"""PyTorch's exporters: dynamo at opsets 20 and 23, the older one (TorchScript) at 17."""

import warnings

import numpy as np
import torch

from nets import nets

# What the older exporter cannot do itself.
NO_LEGACY = {"vgg11"}
# Exported with an open batch axis too.
OPEN = {"mlp", "lenet", "vit", "nanogpt", "llama", "lstm", "gru"}
FORMS = ["dynamo20", "dynamo23", "legacy17"]


def export(module, sample, path, form, is_open):
    names = [f"x{i}" if len(sample) > 1 else "x" for i in range(len(sample))]
    common = {"input_names": names, "output_names": ["y"]}
    if form == "legacy17":
        axes = {"dynamic_axes": {n: {0: "batch"} for n in names}} if is_open else {}
        torch.onnx.export(module, sample, path, dynamo=False, opset_version=17, **common, **axes)
        return
    opset = int(form.removeprefix("dynamo"))
    axes = {}
    if is_open:
        # An example of one would be specialised to one.
        sample = tuple(torch.cat([x, x]) for x in sample)
        axes = {"dynamic_shapes": tuple({0: torch.export.Dim("batch")} for _ in sample)}
    torch.onnx.export(
        module, sample, path, dynamo=True, opset_version=opset, verbose=False, **common, **axes
    )


def models(folder_of, wide):
    """Yields `(name, inputs)`; the model is in `folder_of(name)`, inputs are name to `[4, 1, ..]`."""
    warnings.simplefilter("ignore")
    # A kernel without an ONNX operator.
    torch.backends.mha.set_fastpath_enabled(False)
    for net, module, sample in nets(wide):
        samples = sample(4)
        keys = [f"x{i}" if len(samples[0]) > 1 else "x" for i in range(len(samples[0]))]
        inputs = {k: np.stack([s[i].numpy() for s in samples]) for i, k in enumerate(keys)}
        for form in FORMS:
            for is_open in [False, True]:
                if is_open and (net not in OPEN or wide) or form == "legacy17" and net in NO_LEGACY:
                    continue
                name = "_".join(filter(None, [net, "wide" if wide else "", "open" if is_open else "", form]))
                with torch.no_grad():
                    export(module, samples[0], folder_of(name) / "model.onnx", form, is_open)
                yield name, inputs
