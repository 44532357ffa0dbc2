"""Wine cultivars (13 chemical measurements): a small network with many kinds of node.

Sub and Mul by a constant, Gemm, MatMul and Add, BatchNormalization, Gelu, Tanh, LeakyRelu, Clip,
Sigmoid, Reshape and Flatten, a residual Add.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from export import write_example
from layers import BatchNorm, Clip, Constant, Function, Linear, Network, Residual, Views, train

rng = np.random.default_rng(11)
features, labels = load_wine(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(features, labels, test_size=0.4, random_state=11, stratify=labels)
low, high = train_x.min(0), train_x.max(0)  # every measurement to [0, 1]


def scale(x):
    return np.clip((x - low) / (high - low), 0, 1).astype(np.float32).astype(np.float64)


train_x, test_x = scale(train_x), scale(test_x)
network = Network([
    Constant("Sub", 0.5), Constant("Mul", np.round(1 / train_x.std(0) / 2, 3)),
    Linear(rng, 13, 24), BatchNorm(24), Function("Gelu"),
    Views([1, 4, 6]),
    Residual(Linear(rng, 24, 24), Function("Tanh")),
    Linear(rng, 24, 16, "MatMul"), Function("LeakyRelu"), Clip(-1.0, 3.0),
    Linear(rng, 16, 16), Function("Sigmoid"),
    Linear(rng, 16, 3),
])
train(network, train_x, train_y, rng, epochs=300, rate=1e-2, decay=1e-4)
accuracy = write_example(__file__, network, train_x, test_x, test_y, input_name="measurements",
                         input_shape=[1, 13], opset=20)
assert accuracy >= 0.95, accuracy
