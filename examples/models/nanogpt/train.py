"""A character GPT on A Midsummer Night's Dream, trained with numpy alone.

    train.py                           the model of this folder, 29,568 parameters
    train.py --size 1m -o DIR          1,010,688 parameters, as large as the field's "1M nanoGPT"
    train.py --length 256 --epochs 0 -o DIR    another sequence length, not trained: for the cost alone

`text.txt` is the play from its first act on (public domain); the last characters of it are never trained on.
"""

import argparse
import json
import string
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from export import run_session, save_graph
from layers import Emitter, train
from sequences import gpt

CHARACTERS = "\n !&',-.:;?[]" + string.ascii_uppercase + string.ascii_lowercase
HELD_OUT = 6_000  # characters at the end
CALIBRATION, SAMPLES, SCORED = 256, 20, 2_049
SIZES = {
    "30k": dict(layers=2, features=32, heads=2, length=16, epochs=8, stride=1, batch=64, rate=4e-3),
    "1m": dict(layers=5, features=128, heads=4, length=64, epochs=1, stride=16, batch=16, rate=1e-3),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="30k")
    parser.add_argument("--length", type=int, help="tokens of a sequence")
    parser.add_argument("--epochs", type=int, help="passes over the text; 0 leaves the model untrained")
    parser.add_argument("-o", "--output", type=Path, default=HERE)
    args = parser.parse_args()
    chosen = dict(SIZES[args.size])
    chosen.update({key: value for key in ("length", "epochs") if (value := getattr(args, key)) is not None})
    return chosen, args.output


def windows(ids, length, stride=1):
    """All inputs `[N, length]`, and the ids that follow each position."""
    starts = np.arange(0, len(ids) - length, stride)
    at = starts[:, None] + np.arange(length)
    return ids[at], ids[at + 1]


def perplexity(logits, targets):
    logits = logits.reshape(targets.size, -1).astype(np.float64)
    top = logits.max(1)
    loss = top + np.log(np.exp(logits - top[:, None]).sum(1)) - logits[np.arange(targets.size), targets.reshape(-1)]
    return float(np.exp(loss.mean()))


def write(network, size, text, ids, output):
    length = size["length"]
    emitter = Emitter()
    result = network.emit(emitter, "ids")
    inputs = {"ids": (np.int64, [1, length])}
    save_graph(output / "model.onnx", "nanogpt", emitter, inputs, result, "logits",
               [1, length, len(CHARACTERS)], opset=17)
    trained, held = ids[:-HELD_OUT], ids[-HELD_OUT:]
    spread = np.linspace(0, len(trained) - length - 1, CALIBRATION).astype(int)
    calibration = trained[spread[:, None] + np.arange(length)].reshape(-1, 1, length)
    x, y = windows(held, length, stride=length)
    samples = x[:SAMPLES].reshape(-1, 1, length)
    expected = run_session(output / "model.onnx", {"ids": samples})
    np.save(output / "calib.npy", calibration)
    np.save(output / "samples.npy", samples)
    np.save(output / "labels.npy", y[:SAMPLES])
    np.save(output / "expected.npy", expected)
    np.save(output / "tokens.npy", held[:SCORED])
    (output / "sample.txt").write_text(text[-HELD_OUT:][:SCORED])
    (output / "characters.txt").write_text(CHARACTERS)  # a token is the place of its character
    (output / "input.json").write_text(json.dumps({"ids": samples[0].tolist()}) + "\n")
    agreement = np.abs(expected.reshape(len(expected), length, -1) - network.forward(x[:SAMPLES])).max()
    assert agreement < 1e-3, f"the exported model is not the trained one: {agreement:.1e}"
    x, y = windows(held[:SCORED], length, stride=length)
    scored = run_session(output / "model.onnx", {"ids": x.reshape(-1, 1, length)})
    print(f"held-out text: {y.size} characters, perplexity {perplexity(scored, y):.3f}, "
          f"next character right {(scored.reshape(y.size, -1).argmax(1) == y.reshape(-1)).mean():.4f}; "
          f"onnxruntime against numpy {agreement:.1e}")


def main():
    (size, output), begin = arguments(), time.time()
    output.mkdir(parents=True, exist_ok=True)
    text = (HERE / "text.txt").read_text()
    ids = np.array([CHARACTERS.index(c) for c in text], dtype=np.int64)
    rng = np.random.default_rng(5)
    network = gpt(rng, len(CHARACTERS), size["length"], size["features"], size["heads"], size["layers"])
    network.cast(np.float32)
    count = sum(getattr(layer, name).size for layer, name in network.parameters())
    print(f"{count} parameters, {len(ids)} characters")
    if size["epochs"]:
        x, y = windows(ids[:-HELD_OUT], size["length"], size["stride"])
        train(network, x, y, rng, size["epochs"], size["batch"], size["rate"], decay=1e-5,
              log=lambda epoch, loss: print(f"epoch {epoch}: loss {loss:.4f}, {time.time() - begin:.0f} s", flush=True))
    write(network, size, text, ids, output)


if __name__ == "__main__":
    main()
