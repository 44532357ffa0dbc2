"""Handwritten digits (8x8 pixels): a 64-128-64-10 ReLU network, trained with numpy alone."""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from export import write_example
from layers import Function, Linear, Network, train

rng = np.random.default_rng(7)
pixels, labels = load_digits(return_X_y=True)
pixels = (pixels / 16).astype(np.float32).astype(np.float64)  # 0..16 grey levels to [0, 1]
train_x, test_x, train_y, test_y = train_test_split(pixels, labels, test_size=0.2, random_state=7, stratify=labels)

network = Network([
    Linear(rng, 64, 128), Function("Relu"),
    Linear(rng, 128, 64), Function("Relu"),
    Linear(rng, 64, 10),
])
train(network, train_x, train_y, rng, epochs=60, batch=64, rate=2e-3, decay=1e-5)
accuracy = write_example(__file__, network, train_x, test_x, test_y, input_shape=[1, 64], opset=17)
assert accuracy >= 0.96, accuracy
