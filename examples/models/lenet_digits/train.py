"""Handwritten digits upsampled to 28x28: LeNet-5.

    train.py                 checks the model and the calibration samples in this folder, rewrites the data files
    train.py --from-scratch  trains the same architecture with numpy alone and replaces the model too

`model.onnx` was trained and exported with PyTorch; it stays as it is because measurements with other
tools are of this very file.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from digits import split, upsample
from export import run_model, write_data, write_model
from images import Conv, Flat, MaxPool
from layers import Function, Linear, Network, train

SHAPE = [1, 1, 28, 28]
CALIBRATION = 20


def lenet5(rng):
    return Network([
        Conv(rng, 1, 6, 5), Function("Relu"), MaxPool(2),
        Conv(rng, 6, 16, 5), Function("Relu"), MaxPool(2),
        Flat(256), Linear(rng, 256, 120), Function("Relu"),
        Linear(rng, 120, 84), Function("Relu"),
        Linear(rng, 84, 10),
    ])


def retrain(train_x, train_y):
    rng = np.random.default_rng(7)
    network = lenet5(rng)
    network.cast(np.float32)
    train(network, train_x, train_y, rng, epochs=20, batch=64, rate=2e-3, decay=1e-5)
    write_model(HERE / "model.onnx", HERE.name, network, "input", SHAPE, "output", [1, 10], opset=17)
    return network


def main():
    train_x, test_x, train_y, test_y = split(seed=0)
    train_x, test_x = upsample(train_x, 28), upsample(test_x, 28)

    # PyTorch's arithmetic rounds differently: its samples are kept, and must be ours up to that
    calibration = np.load(HERE / "calib.npy")
    difference = np.abs(calibration[:, 0] - test_x[:CALIBRATION]).max()
    assert difference < 1e-6, f"calib.npy is not the first {CALIBRATION} test samples: {difference:.1e}"

    network = retrain(train_x, train_y) if "--from-scratch" in sys.argv[1:] else None
    rest_x, rest_y = test_x[CALIBRATION:], test_y[CALIBRATION:]
    rest = write_data(HERE, calibration, rest_x, rest_y, SHAPE, example=calibration[0])
    logits = np.concatenate([run_model(HERE / "model.onnx", calibration), rest])
    accuracy = (logits.argmax(1) == test_y).mean()
    print(f"{HERE.name}: test accuracy {accuracy:.4f} on {len(test_y)} rows")
    assert accuracy >= 0.95, accuracy
    if network:
        agreement = np.abs(rest - network.forward(rest_x)).max()
        assert agreement < 1e-4, f"the exported model is not the trained one: {agreement:.1e}"


if __name__ == "__main__":
    main()
