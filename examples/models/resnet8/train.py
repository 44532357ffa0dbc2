"""Coloured digit scenes (3x32x32): ResNet-8 of 16, 32 and 64 channels, trained with numpy alone."""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from digits import scenes, split
from export import write_example
from images import AveragePool, Conv, Flat
from layers import Function, Linear, Network, Residual, train

EPOCHS = 120


def block(rng, channels_in, channels, stride):
    """Two 3x3 convolutions beside the identity, or beside a 1x1 convolution where the shape changes."""
    shortcut = [] if stride == 1 else [Conv(rng, channels_in, channels, 1, stride)]
    return [
        Residual(
            Conv(rng, channels_in, channels, 3, stride, pad=1, norm=True), Function("Relu"),
            Conv(rng, channels, channels, 3, pad=1, norm=True),
            shortcut=shortcut,
        ),
        Function("Relu"),
    ]


def resnet8(rng):
    return Network([
        Conv(rng, 3, 16, 3, pad=1, norm=True), Function("Relu"),
        *block(rng, 16, 16, 1), *block(rng, 16, 32, 2), *block(rng, 32, 64, 2),
        AveragePool(8), Flat(64), Linear(rng, 64, 10),
    ])


def main():
    rng, begin = np.random.default_rng(7), time.time()
    train_x, test_x, train_y, test_y = split(seed=7)
    test_x = scenes(test_x, np.random.default_rng(8))  # one scene of every held-out digit
    calibration = scenes(train_x[:32], np.random.default_rng(9))

    network = resnet8(rng)
    network.cast(np.float32)
    train(network, train_x, train_y, rng, EPOCHS, batch=64, rate=3e-3, decay=1e-5, augment=scenes,
          log=lambda epoch, loss: print(f"epoch {epoch}: loss {loss:.4f}, {time.time() - begin:.0f} s", flush=True))
    accuracy = write_example(__file__, network, calibration, test_x, test_y,
                             input_shape=[1, 3, 32, 32], calibration=32, opset=17)
    assert accuracy >= 0.95, accuracy


if __name__ == "__main__":
    main()
