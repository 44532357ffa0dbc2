"""Iris species, eight flowers at once: a tiny network whose batch dimension is fixed at 8.

Elu, HardSwish, Softplus, Erf and HardSigmoid, and a constant that is added.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from export import write_example
from layers import Constant, Function, Linear, Network, train

rng = np.random.default_rng(3)
features, labels = load_iris(return_X_y=True)
order = rng.permutation(len(features))
features = (features[order] / 8).astype(np.float32).astype(np.float64)  # centimetres to [0, 1]
labels = labels[order]
train_x, train_y, test_x, test_y = features[:102], labels[:102], features[102:], labels[102:]

network = Network([
    Constant("Add", -0.5),
    Linear(rng, 4, 12), Function("Elu"),
    Linear(rng, 12, 12), Function("HardSwish"),
    Linear(rng, 12, 8, "MatMul"), Function("Softplus"),
    Linear(rng, 8, 8), Function("Erf"),
    Linear(rng, 8, 8), Function("HardSigmoid"),
    Linear(rng, 8, 3),
])
train(network, train_x, train_y, rng, epochs=600, rate=1e-2, decay=1e-5)
# Twenty samples of eight flowers need 160 rows: after the 48 test flowers, draws from them.
draw = np.concatenate([np.arange(48), rng.integers(0, 48, 112)])
calibration = train_x[rng.integers(0, 102, 24 * 8)]
accuracy = write_example(__file__, network, calibration, test_x[draw], test_y[draw], input_name="flowers",
                         input_shape=[8, 4], calibration=24, opset=18, distinct=48)
assert accuracy >= 0.9, accuracy
