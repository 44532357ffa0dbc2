"""A network as a list of layers that know three things: forward, backward, and their ONNX nodes.

Training and export read the same list, so the file on disk is the network that was trained. The
layers here map `[batch, features]` to `[batch, features]`, those of `images.py` take and give
`[batch, channels, height, width]`; gradients are checked against finite differences by
`python layers.py` and `python images.py`.
"""

import math

import numpy as np
from onnx import helper, numpy_helper


class Emitter:
    """Collects ONNX nodes and initialisers; names are `layer index/operator`."""

    def __init__(self):
        self.nodes, self.initializers, self.scope, self.count = [], [], "", 0

    def constant(self, name, value, dtype=np.float32):
        name = f"{self.scope}{name}"
        self.initializers.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, op, inputs, outputs=None, **attributes):
        """Adds a node; returns the name of its output, or `outputs` when several are named."""
        name = f"{self.scope}{op}"
        if any(n.name == name for n in self.nodes):
            name += f"_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, outputs or [f"{name}_output"], name=name, **attributes))
        return outputs or f"{name}_output"


class Layer:
    """No parameters unless a subclass lists names in `trained`, no inner layers unless in `children`."""

    trained = ()
    children = ()
    frozen = False  # set when training ends


class Linear(Layer):
    """`x W + b`, exported as Gemm, or as MatMul and Add."""

    trained = ("w", "b")

    def __init__(self, rng, fan_in, fan_out, form="Gemm"):
        self.w = rng.normal(0, math.sqrt(2 / fan_in), (fan_in, fan_out))
        self.b = np.zeros(fan_out)
        self.form = form

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, d):
        self.grad = {"w": self.x.T @ d, "b": d.sum(0)}
        return d @ self.w.T

    def emit(self, e, x):
        if self.form == "Gemm":  # PyTorch's layout: weights [out, in], transposed by the node
            w, b = e.constant("weight", self.w.T), e.constant("bias", self.b)
            return e.node("Gemm", [x, w, b], transB=1)
        w, b = e.constant("weight", self.w), e.constant("bias", self.b)
        return e.node("Add", [e.node("MatMul", [x, w]), b])


class BatchNorm(Layer):
    """Batch normalisation over `[rows, features]`.

    In training a batch is normalised by its own statistics; the frozen layer uses their moving average,
    which at `momentum=1` is the last batch (right for full-batch training).
    """

    trained = ("gamma", "beta")
    epsilon = 1e-5

    def __init__(self, features, momentum=1):
        self.gamma, self.beta = np.ones(features), np.zeros(features)
        self.mean, self.var, self.momentum = np.zeros(features), np.ones(features), momentum

    def forward(self, x):
        mean, var = self.mean, self.var
        if not self.frozen:
            mean, var = x.mean(0), x.var(0)
            self.mean = (1 - self.momentum) * self.mean + self.momentum * mean
            self.var = (1 - self.momentum) * self.var + self.momentum * var
        self.inv = 1 / np.sqrt(var + self.epsilon)
        self.hat = (x - mean) * self.inv
        return self.gamma * self.hat + self.beta

    def backward(self, d):
        self.grad = {"gamma": (d * self.hat).sum(0), "beta": d.sum(0)}
        d = d * self.gamma
        return self.inv * (d - d.mean(0) - self.hat * (d * self.hat).mean(0))

    def emit(self, e, x):
        parts = {"scale": self.gamma, "B": self.beta, "mean": self.mean, "var": self.var}
        constants = [e.constant(name, value) for name, value in parts.items()]
        return e.node("BatchNormalization", [x, *constants], epsilon=self.epsilon)


_erf = np.vectorize(math.erf)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _gelu_slope(x):
    return 0.5 * (1 + _erf(x / math.sqrt(2))) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


# name: (function, derivative, attributes of the ONNX node)
FUNCTIONS = {
    "Relu": (lambda x: np.maximum(x, 0), lambda x: x > 0, {}),
    "LeakyRelu": (lambda x: np.where(x >= 0, x, 0.1 * x), lambda x: np.where(x >= 0, 1, 0.1), {"alpha": 0.1}),
    "Sigmoid": (_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x)), {}),
    "Tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, {}),
    "Gelu": (lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2))), _gelu_slope, {}),
    "Erf": (_erf, lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x), {}),
    "Elu": (lambda x: np.where(x >= 0, x, np.expm1(x)), lambda x: np.where(x >= 0, 1, np.exp(x)), {"alpha": 1.0}),
    "Softplus": (lambda x: np.logaddexp(0, x), _sigmoid, {}),
    "HardSigmoid": (
        lambda x: np.clip(0.2 * x + 0.5, 0, 1),
        lambda x: 0.2 * (np.abs(x) < 2.5),
        {"alpha": 0.2, "beta": 0.5},
    ),
    "HardSwish": (
        lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
        lambda x: np.where(np.abs(x) < 3, x / 3 + 0.5, (x >= 3) * 1.0),
        {},
    ),
}


class Function(Layer):
    """An element-wise function by its ONNX name."""

    def __init__(self, op):
        self.op = op
        self.f, self.slope, self.attributes = FUNCTIONS[op]

    def forward(self, x):
        self.x = x
        return self.f(x)

    def backward(self, d):
        return d * self.slope(self.x)

    def emit(self, e, x):
        return e.node(self.op, [x], **self.attributes)


class Clip(Layer):
    """`min(max(x, low), high)`; the bounds are inputs of the node (opset 11 and later)."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def forward(self, x):
        self.x = x
        return np.clip(x, self.low, self.high)

    def backward(self, d):
        return d * ((self.x > self.low) & (self.x < self.high))

    def emit(self, e, x):
        return e.node("Clip", [x, e.constant("min", self.low), e.constant("max", self.high)])


class Constant(Layer):
    """`x + value`, `x - value` or `x * value` with a constant, broadcast over the batch."""

    def __init__(self, op, value):
        self.op, self.value = op, np.asarray(value, dtype=np.float64)

    def forward(self, x):
        return {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}[self.op](x, self.value)

    def backward(self, d):
        return d * self.value if self.op == "Mul" else d

    def emit(self, e, x):
        return e.node(self.op, [x, e.constant("constant", self.value)])


class Views(Layer):
    """Leaves the data alone: Reshape to `shape`, then Flatten back."""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return x

    def backward(self, d):
        return d

    def emit(self, e, x):
        shape = e.constant("shape", self.shape, np.int64)
        return e.node("Flatten", [e.node("Reshape", [x, shape])], axis=1)


class Residual(Layer):
    """`shortcut(x) + inner(x)`; the shortcut is the identity unless given as a list of layers."""

    def __init__(self, *inner, shortcut=()):
        self.inner, self.shortcut = Network(inner), Network(shortcut)
        self.children = self.inner.layers + self.shortcut.layers

    def forward(self, x):
        return self.shortcut.forward(x) + self.inner.forward(x)

    def backward(self, d):
        return self.shortcut.backward(d) + self.inner.backward(d)

    def emit(self, e, x):
        return e.node("Add", [self.inner.emit(e, x), self.shortcut.emit(e, x)])


class Network:
    """Layers in sequence."""

    def __init__(self, layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, d):
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return d

    def emit(self, e, x):
        for layer in self.layers:
            scope, e.scope = e.scope, f"{e.scope}{e.count}/"
            e.count += 1
            x = layer.emit(e, x)
            e.scope = scope
        return x

    def cast(self, dtype):
        """Changes the precision of every parameter and statistic (float64 unless this is called)."""
        for layer in walk(self.layers):
            for name, value in vars(layer).items():
                if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                    setattr(layer, name, value.astype(dtype))

    def freeze(self, x, batch):
        """Ends training: BatchNorm takes its statistics from one more pass over the training set `x`."""
        for start in range(0, len(x), batch):
            self.forward(x[start : start + batch])
        for layer in walk(self.layers):
            layer.frozen = True

    def parameters(self):
        """`(layer, name)` of every trained array, inner layers included."""
        for layer in walk(self.layers):
            yield from ((layer, name) for name in layer.trained)


def walk(layers):
    """Every layer, each before its inner layers."""
    for layer in layers:
        yield layer
        yield from walk(layer.children)


def cross_entropy(logits, labels):
    """Mean loss of `logits[..., classes]` and its gradient by them."""
    shape, labels = logits.shape, labels.reshape(-1)
    logits = logits.reshape(len(labels), -1)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels] + 1e-12).mean()
    p[rows, labels] -= 1
    return loss, (p / len(labels)).reshape(shape)


def train(network, x, labels, rng, epochs, batch=None, rate=1e-2, decay=1e-3, augment=None, log=None):
    """Adam with weight decay; `batch=None` is full-batch. The rate falls to zero linearly.

    `augment(rows, rng)` makes the network's input of rows of `x` (a new one every epoch);
    `log(epoch, mean loss)` is called after every epoch.
    """
    batch = batch or len(x)
    augment = augment or (lambda rows, rng: rows)
    moments = {}
    steps, step = epochs * math.ceil(len(x) / batch), 0
    for epoch in range(epochs):
        order, total = rng.permutation(len(x)), 0
        for start in range(0, len(x), batch):
            pick = order[start : start + batch]
            loss, d = cross_entropy(network.forward(augment(x[pick], rng)), labels[pick])
            network.backward(d)
            step, total = step + 1, total + loss * len(pick)
            for layer, name in network.parameters():
                value, grad = getattr(layer, name), layer.grad[name]
                m, v = moments.setdefault((id(layer), name), (np.zeros_like(value), np.zeros_like(value)))
                m += 0.1 * (grad - m)
                v += 0.001 * (grad * grad - v)
                update = (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
                if name == "w":
                    update = update + decay * value / rate
                value -= rate * (1 - step / steps) * update
        if log:
            log(epoch + 1, total / len(x))
    network.freeze(augment(x, rng), batch)


def check_gradients(network, x, labels):
    """Compares every layer's backward pass with central differences."""
    network.backward(cross_entropy(network.forward(x), labels)[1])
    analytic = [(layer, name, layer.grad[name].copy()) for layer, name in network.parameters()]
    checked = 0
    for layer, name, grad in analytic:
        value = getattr(layer, name)
        for at in np.ndindex(value.shape):
            keep, losses = value[at], []
            for h in (1e-5, -1e-5):
                value[at] = keep + h
                losses.append(cross_entropy(network.forward(x), labels)[0])
            value[at] = keep
            numeric = (losses[0] - losses[1]) / 2e-5
            assert abs(numeric - grad[at]) < 1e-6 + 1e-4 * abs(numeric), (layer, name, at)
            checked += 1
    print(f"{checked} gradients agree with finite differences")


def main():
    rng = np.random.default_rng(0)
    layers = [Linear(rng, 5, 6), BatchNorm(6), Constant("Mul", rng.normal(size=6))]
    layers += [Function(op) for op in FUNCTIONS]
    layers += [Clip(-0.5, 0.9), Residual(Linear(rng, 6, 6), Function("Tanh")), Linear(rng, 6, 3, "MatMul")]
    check_gradients(Network(layers), rng.normal(size=(7, 5)), rng.integers(0, 3, 7))


if __name__ == "__main__":
    main()
