"""scikit-learn's handwritten digits (8x8) as larger images: plainly upsampled, or as coloured scenes."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def split(seed):
    """Train and test images [N, 8, 8] in [0, 1] and labels: 80 % and 20 %, stratified."""
    data = load_digits()
    images = (data.images / 16).astype(np.float32)
    return train_test_split(images, data.target, test_size=0.2, random_state=seed, stratify=data.target)


def upsample(images, side):
    """Bilinear, pixel centres aligned, edges repeated (torch's `interpolate(align_corners=False)`): [N, 1, side, side]."""
    weights = _bilinear(images.shape[1], (np.arange(side) + 0.5) * images.shape[1] / side - 0.5)
    return (weights @ images @ weights.T)[:, None].astype(np.float32)


def _bilinear(size, at):
    """Interpolation weights [..., size] at the positions `at` [...] on a line of `size` pixels, edges repeated."""
    distance = np.abs(np.clip(at, 0, size - 1)[..., None] - np.arange(size))
    return np.maximum(1 - distance, 0)


def scenes(images, rng, side=32):
    """A new random scene for every image: `[N, 3, side, side]` in [0, 1], 8-bit levels, float32.

    The digit is stretched to 20 to 30 pixels either way, put anywhere it fits, and drawn in a random
    colour on a background that runs from one random colour to a similar one; ink and background
    differ by at least 0.7 (Euclidean, of at most 1.73). Gaussian noise of 0.03 is added.
    """
    n, small = images.shape[:2]
    axes = []
    for _ in range(2):  # rows, then columns
        extent = rng.uniform(20, 30, (n, 1))
        start = rng.uniform(0, side - extent)
        at = (np.arange(side) + 0.5 - start) * small / extent - 0.5
        inside = (at > -0.5) & (at < small - 0.5)
        axes.append(_bilinear(small, at) * inside[..., None])
    alpha = (axes[0] @ images @ axes[1].transpose(0, 2, 1))[:, None]

    ink, paper = _contrasting_colours(n, rng)
    slope = rng.uniform(-0.2, 0.2, (n, 3, 2))
    line = np.linspace(-0.5, 0.5, side)
    background = (paper[..., None, None] + slope[:, :, 0, None, None] * line[:, None]
                  + slope[:, :, 1, None, None] * line)
    scene = background + alpha * (ink[..., None, None] - background)
    scene += rng.normal(0, 0.03, scene.shape)
    return (np.round(np.clip(scene, 0, 1) * 255) / 255).astype(np.float32)


def _contrasting_colours(n, rng):
    """Two colours [n, 3] in the unit cube, at least 0.7 apart."""
    pairs = np.empty((0, 2, 3))
    while len(pairs) < n:
        drawn = rng.uniform(0, 1, (2 * n + 8, 2, 3))
        far = np.linalg.norm(drawn[:, 0] - drawn[:, 1], axis=1) >= 0.7
        pairs = np.concatenate([pairs, drawn[far]])
    return pairs[:n, 0], pairs[:n, 1]
