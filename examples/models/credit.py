"""Loan applications of people who do not exist, and what became of the loans: a table as credit scoring has
them, with columns of very different size, made up by a rule with noise. Numbers are as coarse as on a form (an
income to 250): twelve bits a column tell any two of them apart, and so every decision of a tree is
onnxruntime's. Writes an example of a model of
scikit-learn on it, with the probabilities and the label as outputs.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import to_onnx

SAMPLES = 20
FEATURES = ["income", "loan", "debt_ratio", "utilisation", "years_employed", "age", "late_payments", "open_accounts",
            "monthly_rate", "months_as_customer"]


def applications(count, seed):
    """`[count, 10]` and whether each loan failed (1)."""
    rng = np.random.default_rng(seed)
    to = lambda step, values: np.round(values / step) * step
    income = to(250, np.exp(rng.normal(10.5, 0.5, count))).clip(8_000, 150_000)
    loan = to(250, income * rng.uniform(0.05, 1.2, count)).clip(500, 150_000)
    debt_ratio = np.round(rng.beta(2, 5, count), 2)
    utilisation = np.round(rng.beta(2, 3, count), 2)
    years = np.round(rng.exponential(6, count), 1).clip(0, 40)
    age = np.round(21 + years + rng.gamma(3, 5, count)).clip(21, 80)
    late = rng.poisson(0.6 + 1.5 * utilisation, count).clip(0, 12)
    accounts = rng.poisson(4, count).clip(0, 20)
    rate = np.round(rng.uniform(0.002, 0.025, count), 4)
    months = np.round(rng.exponential(40, count)).clip(0, 360)
    risk = (1.6 * loan / income + 2.5 * debt_ratio + 1.8 * utilisation + 0.7 * late + 60 * rate
            - 0.09 * years - 0.01 * age - 0.006 * months - 0.4 * np.log(income / 30_000))
    failed = risk + rng.normal(0, 0.35, count) > np.quantile(risk, 0.65)
    columns = [income, loan, debt_ratio, utilisation, years, age, late, accounts, rate, months]
    return np.stack(columns, 1).astype(np.float32), failed.astype(np.int64)


def write_example(script, model, seed, accuracy):
    """Trains `model`, writes all files beside `script` and checks the accuracy on 500 others."""
    here = Path(script).resolve().parent
    x, y = applications(2000, seed)
    train_x, train_y, test_x, test_y = x[:1500], y[:1500], x[1500:], y[1500:]
    model.fit(train_x, train_y)
    proto = to_onnx(model, test_x[:1], options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})
    graph = proto.graph
    for node in graph.node:
        names = {"X": "application", "label": "label", "probabilities": "probabilities"}
        node.input[:] = [names.get(name, name) for name in node.input]
    del graph.input[:], graph.output[:]
    graph.input.append(helper.make_tensor_value_info("application", TensorProto.FLOAT, [1, len(FEATURES)]))
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 2]))
    graph.output.append(helper.make_tensor_value_info("label", TensorProto.INT64, [1]))
    graph.name, proto.producer_name, proto.producer_version = here.name, "zkml-examples", ""
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, here / "model.onnx")

    session = onnxruntime.InferenceSession(here / "model.onnx", providers=["CPUExecutionProvider"])
    runs = [session.run(["label", "probabilities"], {"application": row[None]}) for row in test_x]
    labels, probabilities = (np.stack(outputs) for outputs in zip(*runs))
    assert (labels[:, 0] == model.predict(test_x)).all(), "the exported model is not the trained one"
    # Nothing larger is accepted than calibration saw, and a fifth more.
    largest = train_x[train_x.argmax(0)]
    np.save(here / "calib.npy", np.concatenate([largest, train_x[: 64 - len(largest)]])[:, None])
    np.save(here / "samples.npy", test_x[:SAMPLES, None])
    np.save(here / "labels.npy", test_y[:SAMPLES, None])
    np.save(here / "expected.npy", probabilities[:SAMPLES])
    np.save(here / "expected_labels.npy", labels[:SAMPLES])
    (here / "input.json").write_text(json.dumps({"application": [[round(float(v), 4) for v in test_x[0]]]}) + "\n")
    got = (labels[:, 0] == test_y).mean()
    print(f"{here.name}: test accuracy {got:.4f} of {len(test_y)}, {(here / 'model.onnx').stat().st_size} bytes")
    assert got >= accuracy, got
