"""Layers of transformers, `[batch, tokens, features]`, in the style of `layers.py`.

The exported nodes are those that PyTorch writes for the usual modules: LayerNorm and GELU come as chains of
elementary operators, attention as Reshape, Transpose, MatMul and Softmax.
"""

import math

import numpy as np

from layers import Function, Layer, Linear, Network, Residual, check_gradients, walk


class Embedding(Layer):
    """Rows of a table by token id, plus a row by position; ids are `[batch, tokens]`.

    With `segments`, the input is `[batch, tokens, 2]`: id and segment, and rows of a third table are added.
    """

    def __init__(self, rng, vocabulary, length, features, segments=0):
        self.tokens = rng.normal(0, 0.1, (vocabulary, features))
        self.positions = rng.normal(0, 0.1, (length, features))
        self.segments = rng.normal(0, 0.1, (segments, features))
        self.trained = ("tokens", "positions") + (("segments",) if segments else ())

    def forward(self, x):
        self.ids, self.kinds = (x[..., 0], x[..., 1]) if x.ndim == 3 else (x, None)
        y = self.tokens[self.ids] + self.positions
        return y if self.kinds is None else y + self.segments[self.kinds]

    def backward(self, d):
        self.grad = {"tokens": np.zeros_like(self.tokens), "positions": d.sum(0)}
        np.add.at(self.grad["tokens"], self.ids, d)
        if self.kinds is not None:
            self.grad["segments"] = np.zeros_like(self.segments)
            np.add.at(self.grad["segments"], self.kinds, d)
        return None  # ids have no gradient

    def emit(self, e, x):
        """`x` names the ids, or (ids, segments)."""
        ids, kinds = x if isinstance(x, tuple) else (x, None)
        positions = e.constant("position_ids", np.arange(len(self.positions))[None], np.int64)
        y = e.node("Gather", [e.constant("tokens.weight", self.tokens), ids])
        if kinds is not None:
            y = e.node("Add", [y, e.node("Gather", [e.constant("segments.weight", self.segments), kinds])])
        return e.node("Add", [y, e.node("Gather", [e.constant("positions.weight", self.positions), positions])])


class Dense(Linear):
    """`Linear` of the last axis, with or without bias, exported as MatMul and Add."""

    def __init__(self, rng, fan_in, fan_out, bias=True, scale=1.0):
        super().__init__(rng, fan_in, fan_out, "MatMul")
        self.w *= scale * math.sqrt(0.5)  # the scale of a layer that no Relu follows
        self.trained = ("w", "b") if bias else ("w",)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, d):
        rows = d.reshape(-1, d.shape[-1])
        self.grad = {"w": self.x.reshape(-1, self.x.shape[-1]).T @ rows, "b": rows.sum(0)}
        return d @ self.w.T

    def emit(self, e, x):
        if "b" in self.trained:
            return super().emit(e, x)
        return e.node("MatMul", [x, e.constant("weight", self.w)])


class LayerNorm(Layer):
    """`(x - mean) / sqrt(var + eps) gamma + beta` over the features."""

    trained = ("gamma", "beta")

    def __init__(self, features, epsilon=1e-5):
        self.gamma, self.beta, self.epsilon = np.ones(features), np.zeros(features), epsilon

    def forward(self, x):
        centred = x - x.mean(-1, keepdims=True)
        self.inv = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + self.epsilon)
        self.hat = centred * self.inv
        return self.hat * self.gamma + self.beta

    def backward(self, d):
        rows, hats = d.reshape(-1, d.shape[-1]), self.hat.reshape(-1, d.shape[-1])
        self.grad = {"gamma": (rows * hats).sum(0), "beta": rows.sum(0)}
        d = d * self.gamma
        return self.inv * (d - d.mean(-1, keepdims=True) - self.hat * (d * self.hat).mean(-1, keepdims=True))

    def emit(self, e, x):
        centred = e.node("Sub", [x, e.node("ReduceMean", [x], axes=[-1])])
        square = e.node("Pow", [centred, e.constant("two", 2.0)])
        variance = e.node("Add", [e.node("ReduceMean", [square], axes=[-1]), e.constant("epsilon", self.epsilon)])
        hat = e.node("Div", [centred, e.node("Sqrt", [variance])])
        scaled = e.node("Mul", [hat, e.constant("weight", self.gamma)])
        return e.node("Add", [scaled, e.constant("bias", self.beta)])


class TanhGelu(Layer):
    """`x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`."""

    C, A = math.sqrt(2 / math.pi), 0.044715

    def forward(self, x):
        self.x = x
        self.t = np.tanh(self.C * (x + self.A * (x * x * x)))
        return 0.5 * x * (1 + self.t)

    def backward(self, d):
        slope = self.C * (1 + 3 * self.A * (self.x * self.x))
        return d * 0.5 * (1 + self.t + self.x * (1 - self.t * self.t) * slope)

    def emit(self, e, x):
        half = e.node("Mul", [x, e.constant("half", 0.5)])
        cube = e.node("Mul", [e.node("Mul", [e.node("Mul", [x, e.constant("a", self.A)]), x]), x])
        inner = e.node("Mul", [e.node("Add", [x, cube]), e.constant("c", self.C)])
        return e.node("Mul", [half, e.node("Add", [e.node("Tanh", [inner]), e.constant("one", 1.0)])])


def _erf(x):
    """Abramowitz and Stegun 7.1.26, off by at most 1.5e-7: float32 has no more. `math.erf` by element is slow."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - series * np.exp(-x * x))


class ErfGelu(Layer):
    """`x / 2 (1 + erf(x / sqrt 2))`."""

    def forward(self, x):
        self.x, self.phi = x, 0.5 * (1 + _erf(x / math.sqrt(2)))
        return x * self.phi

    def backward(self, d):
        density = np.exp(-0.5 * self.x * self.x) / math.sqrt(2 * math.pi)
        return d * (self.phi + self.x * density)

    def emit(self, e, x):
        erf = e.node("Erf", [e.node("Div", [x, e.constant("sqrt_2", math.sqrt(2))])])
        product = e.node("Mul", [x, e.node("Add", [erf, e.constant("one", 1.0)])])
        return e.node("Mul", [product, e.constant("half", 0.5)])


class Attention(Layer):
    """Multi-head self-attention, `softmax(q k^T / sqrt(head) + mask) v`, then a Dense layer.

    `causal`: position i attends to j <= i, as nanoGPT writes it: one Dense for q, k and v that is Split, and
    Where with minus infinity. Otherwise every position attends to those that are kept, as BERT writes it:
    three Dense layers, and `(1 - keep)` times the least float32 added. `set_keep` and `keep_name` say which.
    """

    def __init__(self, rng, features, heads, length, causal, bias, scale=1.0):
        self.heads, self.length, self.causal = heads, length, causal
        self.qkv = Dense(rng, features, 3 * features, bias)
        self.out = Dense(rng, features, features, bias, scale)
        self.children = (self.qkv, self.out)
        self.keep_name = None
        self.keep = np.tril(np.ones((length, length), bool))

    def set_keep(self, keep):
        """`keep[batch, tokens]`: which positions are no padding."""
        self.keep = keep[:, None, None, :]

    def split(self, x):
        batch, tokens, _ = x.shape
        return x.reshape(batch, tokens, self.heads, -1).transpose(0, 2, 1, 3)

    def join(self, x):
        batch, _, tokens, _ = x.shape
        return np.ascontiguousarray(x.transpose(0, 2, 1, 3)).reshape(batch, tokens, -1)

    def forward(self, x):
        self.q, self.k, self.v = (self.split(part) for part in np.split(self.qkv.forward(x), 3, axis=-1))
        self.scale = 1 / math.sqrt(self.q.shape[-1])
        scores = np.where(self.keep, self.q @ self.k.swapaxes(-1, -2) * self.scale, -np.inf)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        self.p = p / p.sum(-1, keepdims=True)
        return self.out.forward(self.join(self.p @ self.v))

    def backward(self, d):
        d = self.split(self.out.backward(d))
        dv, dp = self.p.swapaxes(-1, -2) @ d, d @ self.v.swapaxes(-1, -2)
        ds = self.p * (dp - (dp * self.p).sum(-1, keepdims=True)) * self.scale
        dq, dk = ds @ self.k, ds.swapaxes(-1, -2) @ self.q
        return self.qkv.backward(np.concatenate([self.join(part) for part in (dq, dk, dv)], axis=-1))

    def emit(self, e, x):
        features = self.out.w.shape[0]
        head = features // self.heads
        shape = e.constant("heads", [-1, self.length, self.heads, head], np.int64)
        if self.causal:
            e.scope, outer = f"{e.scope}qkv/", e.scope
            joined = self.qkv.emit(e, x)
            e.scope = outer
            sizes = e.constant("sizes", [features] * 3, np.int64)
            parts = e.node("Split", [joined, sizes], [f"{e.scope}{name}" for name in "qkv"], axis=-1)
        else:
            parts = []
            for i, name in enumerate(("query", "key", "value")):
                columns = slice(i * features, (i + 1) * features)
                w = e.constant(f"{name}.weight", self.qkv.w[:, columns])
                b = e.constant(f"{name}.bias", self.qkv.b[columns])
                parts.append(e.node("Add", [b, e.node("MatMul", [x, w])]))
        perms = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        q, k, v = (e.node("Transpose", [e.node("Reshape", [part, shape])], perm=p) for part, p in zip(parts, perms))
        scores = e.node("MatMul", [q, k])
        if self.causal:
            scores = e.node("Mul", [scores, e.constant("scale", 1 / math.sqrt(head))])
            hidden = e.constant("hidden", ~self.keep[None, None], bool)
            scores = e.node("Where", [hidden, e.constant("minus_infinity", -np.inf), scores])
        else:
            scores = e.node("Div", [scores, e.constant("sqrt_head", math.sqrt(head))])
            scores = e.node("Add", [scores, self.keep_name])
        p = e.node("Softmax", [scores], axis=-1)
        joined = e.node("Transpose", [e.node("MatMul", [p, v])], perm=[0, 2, 1, 3])
        joined = e.node("Reshape", [joined, e.constant("joined", [-1, self.length, features], np.int64)])
        return self.out.emit(e, joined)


def attention_layers(layers):
    """Every Attention of a network."""
    return [layer for layer in walk(layers) if isinstance(layer, Attention)]


def gpt(rng, vocabulary, length, features, heads, layers):
    """nanoGPT: pre-norm blocks without biases, `[batch, tokens]` ids to `[batch, tokens, vocabulary]` logits."""
    scale = 1 / math.sqrt(2 * layers)
    blocks = []
    for _ in range(layers):
        attention = Attention(rng, features, heads, length, causal=True, bias=False, scale=scale)
        blocks.append(Residual(LayerNorm(features), attention))
        up, down = Dense(rng, features, 4 * features, False), Dense(rng, 4 * features, features, False, scale)
        blocks.append(Residual(LayerNorm(features), up, TanhGelu(), down))
    return Network([Embedding(rng, vocabulary, length, features), *blocks, LayerNorm(features),
                    Dense(rng, features, vocabulary, False)])


class First(Layer):
    """The features of the first token, as a pooler takes them."""

    def forward(self, x):
        self.shape = x.shape
        return x[:, 0]

    def backward(self, d):
        whole = np.zeros(self.shape, d.dtype)
        whole[:, 0] = d
        return whole

    def emit(self, e, x):
        return e.node("Gather", [x, e.constant("first", 0, np.int64)], axis=1)


class Bert(Network):
    """A BERT classifier: post-norm blocks with biases, pooler (first token, Dense, Tanh), classifier.

    Its input is `[batch, tokens, 3]`: id, attention mask (1: kept, 0: padding) and segment.
    """

    inputs = ("input_ids", "attention_mask", "token_type_ids")

    def __init__(self, rng, vocabulary, length, features, heads, layers, inner, classes):
        blocks = []
        for _ in range(layers):
            attention = Attention(rng, features, heads, length, causal=False, bias=True)
            up, down = Dense(rng, features, inner), Dense(rng, inner, features)
            blocks += [Residual(attention), LayerNorm(features, 1e-12)]
            blocks += [Residual(up, ErfGelu(), down), LayerNorm(features, 1e-12)]
        super().__init__([
            Embedding(rng, vocabulary, length, features, segments=2), LayerNorm(features, 1e-12), *blocks,
            First(), Linear(rng, features, features), Function("Tanh"), Linear(rng, features, classes),
        ])

    def forward(self, x):
        for layer in attention_layers(self.layers):
            layer.set_keep(x[..., 1].astype(bool))
        return super().forward(x[..., [0, 2]])

    def emit(self, e, inputs):
        """`inputs` are the three names of `Bert.inputs`."""
        ids, mask, kinds = inputs
        e.scope = "mask/"
        for axis in (1, 2):
            mask = e.node("Unsqueeze", [mask, e.constant(f"axis_{axis}", [axis], np.int64)])
        hidden = e.node("Sub", [e.constant("one", 1.0), e.node("Cast", [mask], to=1)])
        added = e.node("Mul", [hidden, e.constant("least", np.finfo(np.float32).min)])
        e.scope = ""
        for layer in attention_layers(self.layers):
            layer.keep_name = added
        return super().emit(e, (ids, kinds))


def main():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, (2, 4))
    check_gradients(gpt(rng, 5, 4, 6, 2, 1), ids, rng.integers(0, 5, (2, 4)))
    kept = np.array([[1, 1, 1, 0], [1, 1, 1, 1]])
    check_gradients(Bert(rng, 5, 4, 6, 3, 1, 8, 3), np.stack([ids, kept, ids % 2], -1), rng.integers(0, 3, 2))


if __name__ == "__main__":
    main()
