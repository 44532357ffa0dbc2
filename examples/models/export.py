"""Writes an example's files: the ONNX model and the data that goes with it.

    model.onnx     one self-contained file, float32, every dimension fixed
    input.json     one test sample, {"input name": nested list}
    calib.npy      calibration samples, [N, *input shape]
    samples.npy    20 test samples, [20, *input shape]
    labels.npy     their labels, [20, batch], int64
    expected.npy   onnxruntime's output for samples.npy, [20, *output shape]
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from layers import Emitter

SAMPLES = 20


def write_model(path, name, network, input_name, input_shape, output_name, output_shape, opset):
    emitter = Emitter()
    result = network.emit(emitter, input_name)
    inputs = {input_name: (np.float32, input_shape)}
    save_graph(path, name, emitter, inputs, result, output_name, output_shape, opset)


def save_graph(path, name, emitter, inputs, result, output_name, output_shape, opset):
    """Writes what `emitter` collected; `inputs` are `{name: (numpy type, shape)}`, `result` is the output's value."""
    for node in emitter.nodes:  # the node that writes the graph output
        node.output[:] = [output_name if o == result else o for o in node.output]
    graph = helper.make_graph(
        emitter.nodes,
        name,
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in inputs.items()
        ],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, output_shape)],
        emitter.initializers,
    )
    model = helper.make_model(
        graph, producer_name="zkml-examples", opset_imports=[helper.make_opsetid("", opset)], ir_version=9
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def run_model(path, samples):
    """onnxruntime's output for every sample, one run each, `[rows, outputs]`: the batches joined."""
    name = onnx.load(path).graph.input[0].name
    return np.concatenate(run_session(path, {name: samples}))


def run_session(path, samples):
    """onnxruntime's first output for every sample, `{input name: [N, *input shape]}`, one run each."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    sets = zip(*samples.values())
    return np.stack([session.run(None, dict(zip(samples, values)))[0] for values in sets])


def write_data(here, calibration, test_x, test_y, input_shape, example=None):
    """Writes everything but the model, which must be in `here`; returns its outputs for `test_x`.

    Rows are grouped into samples of the input's shape; the first 20 samples of the test set are written.
    `example` is the sample of `input.json`, the first test sample unless given.
    """
    batch = input_shape[0]
    input_name = onnx.load(here / "model.onnx").graph.input[0].name

    def stack(rows):
        count = len(rows) // batch
        return rows[: count * batch].astype(np.float32).reshape(count, *input_shape)

    tests = stack(test_x)
    outputs = run_model(here / "model.onnx", tests)
    labels = test_y[: len(tests) * batch].astype(np.int64).reshape(len(tests), batch)
    np.save(here / "calib.npy", stack(calibration))
    np.save(here / "samples.npy", tests[:SAMPLES])
    np.save(here / "labels.npy", labels[:SAMPLES])
    np.save(here / "expected.npy", outputs[: SAMPLES * batch].reshape(SAMPLES, batch, -1))
    text = json.dumps({input_name: (tests[0] if example is None else example).tolist()})
    (here / "input.json").write_text(text + "\n")
    return outputs


def write_example(script, network, train_x, test_x, test_y, input_name="input", output_name="logits",
                  input_shape=None, calibration=64, opset=17, distinct=None):
    """Writes all files beside `script`; calibration takes the first samples of `train_x`.

    Returns the accuracy on the first `distinct` test rows (all of them unless some are repeated).
    """
    here = Path(script).resolve().parent
    batch = input_shape[0]
    classes = network.forward(train_x[:1]).shape[1]
    write_model(here / "model.onnx", here.name, network, input_name, input_shape,
                output_name, [batch, classes], opset)
    logits = write_data(here, train_x[: calibration * batch], test_x, test_y, input_shape)

    whole = (distinct or len(test_x)) // batch * batch
    accuracy = (logits[:whole].argmax(1) == test_y[:whole]).mean()
    agreement = np.abs(logits[:whole] - network.forward(test_x[:whole])).max()
    parameters = sum(getattr(layer, name).size for layer, name in network.parameters())
    print(f"{here.name}: {parameters} trained parameters, test accuracy {accuracy:.4f} "
          f"on {whole} rows, onnxruntime against numpy {agreement:.1e}")
    assert agreement < 1e-4, "the exported model is not the trained one"
    return accuracy
