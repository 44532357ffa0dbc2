"""The PyTorch networks: architectures as their libraries define them, narrow.

`nets(wide)` gives `(name, module, sample)` of each: `sample(count)` draws that many inputs, every one a
tuple of tensors for a batch of 1. Narrow networks keep every layer, only channels are fewer. Those of
images are trained for a moment, the others are as initialised, by a fixed seed.
"""

import math

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

SIDE = 32
CLASSES = 10


def slim(module, factor):
    """Replaces convolutions, normalisations and dense layers by ones of `factor` times the channels."""
    def width(n):
        if n in (1, 3, CLASSES):
            return n
        # The hidden layers of VGG, most of its weights.
        return max(2, round(n * factor / (4 if n == 4096 else 1)))

    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            ins, outs = width(child.in_channels), width(child.out_channels)
            groups = ins if child.groups > 1 else 1
            shape = (child.kernel_size, child.stride, child.padding, child.dilation)
            child = nn.Conv2d(ins, outs, *shape, groups=groups, bias=child.bias is not None)
            nn.init.kaiming_normal_(child.weight, nonlinearity="relu")
        elif isinstance(child, nn.BatchNorm2d):
            child = nn.BatchNorm2d(width(child.num_features), eps=child.eps)
            nn.init.uniform_(child.weight, 0.7, 1.3)
            nn.init.normal_(child.bias, 0, 0.2)
        elif isinstance(child, nn.Linear):
            child = nn.Linear(width(child.in_features), width(child.out_features))
            nn.init.kaiming_normal_(child.weight, nonlinearity="relu")
        else:
            slim(child, factor)
        setattr(module, name, child)
    return module


def train(module, steps):
    """Learns to tell `CLASSES` images apart, so that scores have a margin and activations are of size 1."""
    prototypes = images(CLASSES)
    optimiser = torch.optim.Adam(module.parameters(), lr=5e-3)
    module.train()
    for layer in module.modules():
        if isinstance(layer, (nn.Dropout, torchvision.ops.StochasticDepth)):
            layer.eval()
    for _ in range(steps):
        labels = torch.randint(0, CLASSES, (48,))
        loss = F.cross_entropy(module(prototypes[labels] + 0.5 * images(48)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    print(f"trained: loss {loss.item():.3f}")
    samples = lambda count: torch.round(16 * (prototypes[:count] + 0.5 * images(count))) / 16
    return module.eval(), lambda count: [(x[None],) for x in samples(count)]


def images(count):
    """Smooth colour with edges and noise, in steps of 1/16."""
    coarse = F.interpolate(torch.randn(count, 3, 4, 4), SIDE, mode="bilinear")
    edges = F.interpolate(torch.randn(count, 3, 8, 8), SIDE, mode="nearest")
    noise = 0.05 * torch.randn(count, 3, SIDE, SIDE)
    return torch.round(16 * (coarse + 0.5 * edges + noise)) / 16


def grey(count):
    return F.interpolate(images(count).mean(1, keepdim=True), 16)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.Sigmoid(), nn.Linear(16, CLASSES)
        )

    def forward(self, x):
        return self.layers(x)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3)
        self.fc1, self.fc2, self.fc3 = nn.Linear(72, 32), nn.Linear(32, 16), nn.Linear(16, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc2(F.relu(self.fc1(x))))
        return F.log_softmax(self.fc3(x), dim=1)


class Attention(nn.Module):
    """Causal self-attention as nanoGPT writes it: fused (`eager` false) or with a mask in a buffer."""

    def __init__(self, width, heads, length, eager):
        super().__init__()
        self.heads, self.eager = heads, eager
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("bias", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.c_attn(x).split(c, dim=2)
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in (q, k, v))
        if self.eager:
            scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            scores = scores.masked_fill(self.bias[:, :, :t, :t] == 0, float("-inf"))
            y = F.softmax(scores, dim=-1) @ v
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(b, t, c))


class GPTBlock(nn.Module):
    def __init__(self, width, heads, length, eager):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads, length, eager)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class NanoGPT(nn.Module):
    def __init__(self, eager, width=16, layers=1, vocabulary=24, length=8):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.h = nn.ModuleList(GPTBlock(width, 2, length, eager) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids):
        position = torch.arange(0, ids.size(1), dtype=torch.long)
        x = self.wte(ids) + self.wpe(position)
        for block in self.h:
            x = block(x)
        # As in generation: the logits of the last token alone.
        return self.lm_head(self.ln_f(x)[:, [-1], :])


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width).uniform_(0.7, 1.3))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


def rotate_half(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


class Llama(nn.Module):
    """Root-mean-square norms, rotary positions, two queries a key, gated feed-forward; as Hugging Face's."""

    def __init__(self, width=16, heads=4, groups=2, vocabulary=24, hidden=40):
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.embed = nn.Embedding(vocabulary, width)
        dense = lambda i, o: nn.Linear(i, o, bias=False)
        self.q, self.o = dense(width, width), dense(width, width)
        self.k, self.v = dense(width, groups * self.size), dense(width, groups * self.size)
        self.gate, self.up, self.down = dense(width, hidden), dense(width, hidden), dense(hidden, width)
        self.norm_1, self.norm_2, self.norm_3 = RMSNorm(width), RMSNorm(width), RMSNorm(width)
        self.head = dense(width, vocabulary)
        exponent = torch.arange(0, self.size, 2).float() / self.size
        self.register_buffer("frequency", 1.0 / (10000.0**exponent))

    def repeat(self, x):
        b, g, t, d = x.shape
        times = self.heads // self.groups
        return x[:, :, None].expand(b, g, times, t, d).reshape(b, g * times, t, d)

    def attention(self, x):
        b, t, c = x.shape
        split = lambda y, n: y.view(b, t, n, self.size).transpose(1, 2)
        q, k, v = split(self.q(x), self.heads), split(self.k(x), self.groups), split(self.v(x), self.groups)
        angle = torch.einsum("i,j->ij", torch.arange(t).float(), self.frequency)
        angle = torch.cat((angle, angle), dim=-1)
        cos, sin = angle.cos()[None, None], angle.sin()[None, None]
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        y = F.scaled_dot_product_attention(q, self.repeat(k), self.repeat(v), is_causal=True)
        return self.o(y.transpose(1, 2).reshape(b, t, c))

    def forward(self, ids):
        x = self.embed(ids)
        x = x + self.attention(self.norm_1(x))
        h = self.norm_2(x)
        x = x + self.down(F.silu(self.gate(h)) * self.up(h))
        return self.head(self.norm_3(x))


class Bert(nn.Module):
    """Embeddings with segments, one encoder layer with a padding mask, pooler, classifier."""

    def __init__(self, width=16, vocabulary=24, length=8):
        super().__init__()
        self.word, self.place = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.segment, self.norm = nn.Embedding(2, width), nn.LayerNorm(width)
        self.layer = nn.TransformerEncoderLayer(
            width, 2, 4 * width, dropout=0.0, activation="gelu", batch_first=True
        )
        self.pooler, self.classifier = nn.Linear(width, width), nn.Linear(width, 3)

    def forward(self, ids, segments):
        x = self.word(ids) + self.place(torch.arange(ids.size(1))) + self.segment(segments)
        x = self.layer(self.norm(x))
        return self.classifier(torch.tanh(self.pooler(x[:, 0])))


class Recurrent(nn.Module):
    """The last state of a recurrent layer, read by a dense one."""

    def __init__(self, kind, **options):
        super().__init__()
        self.layer = kind(4, 6, batch_first=True, **options)
        self.head = nn.Linear(12 if options.get("bidirectional") else 6, 3)

    def forward(self, x):
        y, _ = self.layer(x)
        return self.head(y[:, -1])


def ids(count):
    return torch.randint(0, 24, (count, 8))


def nets(wide):
    """`(name, module, sample)`; the convolutional ones and transformers `wide`, or as narrow as is checked in."""
    torch.manual_seed(7)
    torch.set_num_threads(1)
    steps = 20 if wide else 150
    vision = torchvision.models
    cnn = lambda build, narrow, broad: slim(build(weights=None, num_classes=CLASSES), broad if wide else narrow)
    one = lambda draw: lambda count: [(x[None],) for x in draw(count)]
    convolutional = [
        ("resnet18", vision.resnet18, 1 / 32, 1 / 4),
        ("mobilenet_v2", vision.mobilenet_v2, 1 / 20, 1),
        ("mobilenet_v3_small", vision.mobilenet_v3_small, 1 / 14, 1),
        ("efficientnet_b0", vision.efficientnet_b0, 1 / 32, 1),
        ("vgg11", vision.vgg11, 1 / 64, 1 / 8),
    ]
    for name, build, narrow, broad in convolutional:
        yield name, *train(cnn(build, narrow, broad), steps)
    size, layers = (64, 4) if wide else (16, 1)
    vit = vision.VisionTransformer(SIDE, 8, layers, 2, size, 2 * size, num_classes=CLASSES)
    nn.init.normal_(vit.heads.head.weight, 0, 1 / math.sqrt(size))
    for parameter in [vit.class_token, vit.encoder.pos_embedding]:
        nn.init.normal_(parameter, 0, 0.5)
    yield "vit", *train(vit, steps)
    width = {"width": size, "layers": layers}
    yield "nanogpt", NanoGPT(False, **width).eval(), one(ids)
    yield "nanogpt_eager", NanoGPT(True, **width).eval(), one(ids)
    if wide:
        return
    digits = lambda count: F.interpolate(grey(count), 8)
    yield "mlp", MLP().eval(), one(digits)
    yield "lenet", LeNet().eval(), one(grey)
    yield "llama", Llama().eval(), one(ids)
    pairs = lambda count: [(x[None], (torch.arange(8)[None] > 4).long()) for x in ids(count)]
    yield "bert", Bert().eval(), pairs
    series = lambda count: torch.randn(count, 6, 4).cumsum(1) * 0.5
    for name, kind in [("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)]:
        yield name, Recurrent(kind).eval(), one(series)
    yield "lstm_two_ways", Recurrent(nn.LSTM, bidirectional=True, num_layers=2).eval(), one(series)
    yield "gru_two_ways", Recurrent(nn.GRU, bidirectional=True).eval(), one(series)
    yield "rnn_relu", Recurrent(nn.RNN, nonlinearity="relu").eval(), one(series)
