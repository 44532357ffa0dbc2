"""Layers for images, `[batch, channels, height, width]`, in the style of `layers.py`.

A convolution is a matrix product with the patches of its input (im2col). Its matrices keep the
channel outermost in memory; the views returned here have the usual axes, and numpy's element-wise
functions leave the memory order alone, so no layer copies just to reorder.
"""

import math

import numpy as np

from layers import BatchNorm, Function, Layer, Linear, Network, Residual, check_gradients


class Conv(Layer):
    """2-D convolution with square kernel; with `norm`, batch normalisation follows it and replaces the bias.

    The exported node is always a single Conv: `norm` is folded into weights and bias,
    `w' = w gamma / sqrt(var + eps)`, `b' = beta - mean gamma / sqrt(var + eps)`.
    """

    def __init__(self, rng, channels_in, channels_out, kernel, stride=1, pad=0, norm=False):
        fan_in = channels_in * kernel * kernel
        self.w = rng.normal(0, math.sqrt(2 / fan_in), (channels_out, channels_in, kernel, kernel))
        self.kernel, self.stride, self.pad = kernel, stride, pad
        if norm:
            self.trained, self.children = ("w",), (BatchNorm(channels_out, momentum=0.1),)
        else:
            self.trained, self.b = ("w", "b"), np.zeros(channels_out)

    def taps(self, padded, height, width):
        """The view of `padded` [C, N, H, W] that each kernel position multiplies, row-major."""
        s = self.stride
        for i in range(self.kernel):
            for j in range(self.kernel):
                yield padded[:, :, i : i + s * (height - 1) + 1 : s, j : j + s * (width - 1) + 1 : s]

    def forward(self, x):
        p, k = self.pad, self.kernel
        padded = np.pad(x.transpose(1, 0, 2, 3), ((0, 0), (0, 0), (p, p), (p, p)))
        height, width = ((side - k) // self.stride + 1 for side in padded.shape[2:])
        patches = np.empty((len(padded), k * k, len(x), height, width), dtype=padded.dtype)
        for t, tap in enumerate(self.taps(padded, height, width)):
            patches[:, t] = tap
        self.padded_shape, self.shape = padded.shape, (len(self.w), len(x), height, width)
        self.patches = patches.reshape(len(padded) * k * k, -1)
        y = self.w.reshape(len(self.w), -1) @ self.patches
        y = self.children[0].forward(y.T).T if self.children else y + self.b[:, None]
        return y.reshape(self.shape).transpose(1, 0, 2, 3)

    def backward(self, d):
        d = d.transpose(1, 0, 2, 3).reshape(len(self.w), -1)
        self.grad = {"b": d.sum(1)}
        if self.children:
            d = self.children[0].backward(d.T).T
        self.grad["w"] = (d @ self.patches.T).reshape(self.w.shape)
        patches = self.w.reshape(len(self.w), -1).T @ d
        patches = patches.reshape(self.padded_shape[0], -1, *self.shape[1:])
        padded = np.zeros(self.padded_shape, dtype=d.dtype)
        for t, tap in enumerate(self.taps(padded, *self.shape[2:])):
            tap += patches[:, t]
        p, (height, width) = self.pad, self.padded_shape[2:]
        return padded[:, :, p : height - p, p : width - p].transpose(1, 0, 2, 3)

    def emit(self, e, x):
        w, b = self.w, None if self.children else self.b
        if self.children:
            norm = self.children[0]
            gain = norm.gamma / np.sqrt(norm.var + norm.epsilon)
            w, b = w * gain[:, None, None, None], norm.beta - norm.mean * gain
        inputs = [x, e.constant("weight", w), e.constant("bias", b)]
        return e.node("Conv", inputs, kernel_shape=[self.kernel] * 2, strides=[self.stride] * 2,
                      pads=[self.pad] * 4, dilations=[1, 1], group=1)


class _Pool(Layer):
    """Square windows that do not overlap and tile the image."""

    def __init__(self, size):
        self.size = size

    def windows(self, x):
        """`[batch, channels, height, width, size * size]`, each window row-major."""
        n, c, h, w = x.shape
        s = self.size
        return x.reshape(n, c, h // s, s, w // s, s).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // s, w // s, s * s)

    def image(self, windows):
        n, c, h, w, _ = windows.shape
        s = self.size
        return windows.reshape(n, c, h, w, s, s).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h * s, w * s)

    def attributes(self):
        return {"kernel_shape": [self.size] * 2, "strides": [self.size] * 2, "pads": [0] * 4, "ceil_mode": 0}


class MaxPool(_Pool):
    """The largest of each window; on a tie the gradient goes to the first."""

    def forward(self, x):
        windows = self.windows(x)
        self.first = windows.argmax(-1)[..., None]
        return np.take_along_axis(windows, self.first, -1)[..., 0]

    def backward(self, d):
        windows = np.zeros((*d.shape, self.size**2), dtype=d.dtype)
        np.put_along_axis(windows, self.first, d[..., None], -1)
        return self.image(windows)

    def emit(self, e, x):
        return e.node("MaxPool", [x], dilations=[1, 1], **self.attributes())


class AveragePool(_Pool):
    """The mean of each window."""

    def forward(self, x):
        return self.windows(x).mean(-1)

    def backward(self, d):
        return self.image(np.repeat(d[..., None] / self.size**2, self.size**2, -1))

    def emit(self, e, x):
        return e.node("AveragePool", [x], count_include_pad=1, **self.attributes())


class Flat(Layer):
    """`[batch, channels, height, width]` to `[batch, features]`, exported as a Reshape."""

    def __init__(self, features):
        self.features = features

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), self.features)

    def backward(self, d):
        return d.reshape(self.shape)

    def emit(self, e, x):
        return e.node("Reshape", [x, e.constant("shape", [-1, self.features], np.int64)])


def main():
    rng = np.random.default_rng(0)
    network = Network([
        Conv(rng, 2, 3, 3, stride=1, pad=1, norm=True), Function("Tanh"),
        Residual(Conv(rng, 3, 4, 3, stride=2, pad=1, norm=True), Function("Relu"), Conv(rng, 4, 4, 3, pad=1),
                 shortcut=[Conv(rng, 3, 4, 1, stride=2)]),
        MaxPool(2), Conv(rng, 4, 3, 2), AveragePool(2), Flat(3), Linear(rng, 3, 3),
    ])
    check_gradients(network, rng.normal(size=(5, 2, 12, 12)), rng.integers(0, 3, 5))


if __name__ == "__main__":
    main()
