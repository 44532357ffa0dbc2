"""What does a sentence say about a thing? A small BERT on made-up sentence pairs, trained with numpy alone.

Aspect-based sentiment: "the food was good but the music was not great" and "music": bad; "food": good; "room":
unsaid. Words are tokens; pairs are `[CLS] sentence [SEP] the thing [SEP]`, padded to 16.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from export import run_session, save_graph
from layers import Emitter, train
from sequences import Bert

THINGS = ["food", "music", "room", "service", "view", "coffee", "staff", "garden"]
GOOD, BAD = ["good", "great", "lovely", "fine"], ["bad", "awful", "poor", "dreadful"]
WORDS = ["[PAD]", "[CLS]", "[SEP]", "the", "was", "not", "and", "but", *THINGS, *GOOD, *BAD]
LABELS = ["bad", "good", "unsaid"]
LENGTH, PAIRS, HELD_OUT, EPOCHS = 16, 12_000, 600, 30
CALIBRATION, SAMPLES = 64, 20


def clause(rng, thing, good):
    """`the thing was [not] word`, saying that it is good or bad."""
    negated = rng.random() < 0.3
    word = rng.choice(GOOD if good != negated else BAD)
    return ["the", thing, "was", *(["not"] if negated else []), word]


def pair(rng):
    """A sentence of one or two clauses, the thing asked for, and the label."""
    things = rng.permutation(THINGS)
    judged = {thing: bool(rng.random() < 0.5) for thing in things[: rng.integers(1, 3)]}
    clauses = [clause(rng, thing, good) for thing, good in judged.items()]
    sentence = clauses[0]
    if len(clauses) == 2:
        sentence = sentence + ["and" if len(set(judged.values())) == 1 else "but"] + clauses[1]
    if rng.random() < 0.25:
        return sentence, ["the", things[-1]], 2
    thing = rng.choice(list(judged))
    return sentence, ["the", thing], int(judged[thing])


def encode(first, second):
    """`[tokens, 3]`: id, attention mask and segment, as the tokeniser of BERT lays a pair out."""
    words = ["[CLS]", *first, "[SEP]", *second, "[SEP]"]
    rows = np.zeros((LENGTH, 3), np.int64)
    rows[: len(words), 0] = [WORDS.index(word) for word in words]
    rows[: len(words), 1] = 1
    rows[len(first) + 2 : len(words), 2] = 1
    return rows


def data(rng):
    """Distinct pairs, those held out last."""
    pairs = {}
    while len(pairs) < PAIRS + HELD_OUT:
        first, second, label = pair(rng)
        pairs[" ".join([*first, "?", *second])] = (encode(first, second), label)
    x, y = zip(*pairs.values())
    return np.stack(x), np.array(y)


def columns(rows):
    """The model's inputs, `{name: [N, 1, tokens]}`."""
    return {name: rows[:, None, :, i] for i, name in enumerate(Bert.inputs)}


def write(network, x, test_x, test_y):
    emitter = Emitter()
    result = network.emit(emitter, Bert.inputs)
    inputs = {name: (np.int64, [1, LENGTH]) for name in Bert.inputs}
    save_graph(HERE / "model.onnx", HERE.name, emitter, inputs, result, "logits", [1, len(LABELS)], opset=17)
    expected = run_session(HERE / "model.onnx", columns(test_x))
    np.savez(HERE / "calib.npz", **columns(x[:CALIBRATION]))
    np.savez(HERE / "samples.npz", **columns(test_x[:SAMPLES]))
    np.save(HERE / "labels.npy", test_y[:SAMPLES, None])
    np.save(HERE / "expected.npy", expected[:SAMPLES])
    (HERE / "words.json").write_text(json.dumps(WORDS) + "\n")
    first = {name: array[0].tolist() for name, array in columns(test_x).items()}
    (HERE / "input.json").write_text(json.dumps(first) + "\n")
    agreement = np.abs(expected[:, 0] - network.forward(test_x)).max()
    assert agreement < 1e-3, f"the exported model is not the trained one: {agreement:.1e}"
    accuracy = (expected[:, 0].argmax(1) == test_y).mean()
    print(f"{HERE.name}: accuracy {accuracy:.4f} of {len(test_y)} held-out pairs, "
          f"onnxruntime against numpy {agreement:.1e}")
    assert accuracy >= 0.95, accuracy


def main():
    rng, begin = np.random.default_rng(11), time.time()
    x, y = data(rng)
    network = Bert(rng, len(WORDS), LENGTH, features=32, heads=2, layers=2, inner=64, classes=len(LABELS))
    network.cast(np.float32)
    count = sum(getattr(layer, name).size for layer, name in network.parameters())
    print(f"{count} parameters, {len(WORDS)} words; {time.time() - begin:.0f} s", flush=True)
    train(network, x[:PAIRS], y[:PAIRS], rng, EPOCHS, batch=64, rate=1.5e-3, decay=1e-5,
          log=lambda epoch, loss: print(f"epoch {epoch}: loss {loss:.4f}, {time.time() - begin:.0f} s", flush=True))
    write(network, x, x[PAIRS:], y[PAIRS:])


if __name__ == "__main__":
    main()
