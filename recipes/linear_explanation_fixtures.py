"""What Python's shap computes of linear models; writes test/fixtures/explanations/linear.

Each model is trained on a table of scikit-learn and exported as ONNX. Its margins are explained by ``shap.LinearExplainer`` over
background rows; the features of a column of a pipeline are added up. Margins that are sums of other functions of columns, and
probabilities, are explained by ``shap.explainers.Exact``, which runs the model itself.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import shap
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    SGDClassifier,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

from publish import IR_VERSION, ROOT, write
from rendering import to_json

FOLDER = ROOT / "test" / "fixtures" / "explanations" / "linear"
BACKGROUND = 24
ROWS = 4
OPSETS = {"": 18, "ai.onnx.ml": 3}
DIGITS = 9

Array = np.ndarray
Explained = dict[str, Any]


def main() -> None:
    warnings.filterwarnings("ignore")
    tumours, malignant = table(load_breast_cancer(), 8)
    wines, cultivar = table(load_wine(), 6)
    patients, progression = table(load_diabetes(), 10)

    logistic = make_pipeline(StandardScaler(), LogisticRegression()).fit(tumours, malignant)
    classifier("logistic", logistic, tumours, of_pipeline(logistic, tumours), probabilities=True)
    softmax = make_pipeline(StandardScaler(), LogisticRegression()).fit(wines, cultivar)
    classifier("multinomial", softmax, wines, of_pipeline(softmax, wines), probabilities=True)
    for name, estimator in (("ridge", Ridge(0.1)), ("svr", SVR(kernel="linear", C=20.0))):
        model = make_pipeline(RobustScaler(), estimator).fit(patients, progression)
        regressor(name, model, patients, of_pipeline(model, patients))
    svm = make_pipeline(StandardScaler(), LinearSVC()).fit(tumours, malignant)
    raw = {id(svm[-1]): {"raw_scores": True}}
    classifier("linear-svc", svm, tumours, of_pipeline(svm, tumours), options=raw)
    machine = make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.1)).fit(tumours, malignant)
    raw = {id(machine[-1]): {"raw_scores": True, "zipmap": False}}
    classifier("svc", machine, tumours, of_pipeline(machine, tumours), options=raw)
    each = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression())).fit(wines, cultivar)
    classifier("one-vs-rest", each, wines, of_each(each, wines), probabilities=True)
    descent = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)).fit(wines, cultivar)
    classifier("gradient-descent", descent, wines, of_pipeline(descent, wines))
    components = make_pipeline(MinMaxScaler(), PCA(4), LinearRegression()).fit(patients, progression)
    regressor("components", components, patients, exact(components.predict, patients))
    counts = make_pipeline(StandardScaler(), PoissonRegressor()).fit(patients, progression)
    regressor("poisson", counts, patients, of_pipeline(counts, patients), link="exp")
    bayes = GaussianNB().fit(wines, cultivar)
    classifier("naive-bayes", bayes, wines, exact(bayes.predict_joint_log_proba, wines))

    people, buys = mixed_table()
    pipeline = mixed_pipeline().fit(people, buys)
    classifier("mixed", pipeline, people, of_mixed(pipeline, people), probabilities=True, is_ort=True)
    forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(wines, cultivar)
    save("forest", to_onnx(forest, wines, {id(forest): {"zipmap": False}}), is_ort=True)

    layers(tumours, malignant)


def table(data: Any, columns: int) -> tuple[Array, Array]:
    """Columns and targets, as the engine reads them."""
    rows = np.asarray(data.data[:, :columns], dtype=np.float32).astype(np.float64)
    order = np.random.default_rng(0).permutation(len(rows))
    return rows[order], np.asarray(data.target)[order]


def mixed_table() -> tuple[Array, Array]:
    """A number with gaps, a category, an amount and a category with a value that the training has not seen."""
    random = np.random.default_rng(7)
    age = np.round(random.normal(40, 12, 240), 1)
    region = random.integers(0, 4, 240).astype(float)
    amount = np.round(random.exponential(30, 240), 2)
    plan = random.integers(0, 3, 240).astype(float)
    score = 0.06 * (age - 40) + np.array([0.5, -1.0, 0.2, 0.9])[region.astype(int)] + 0.02 * amount - plan
    buys = (score + random.normal(0, 0.5, 240) > 0).astype(int)
    rows = np.stack([age, region, amount, plan], axis=1)
    rows[random.random((240, 4)) < [0.15, 0, 0.1, 0]] = np.nan
    return rows.astype(np.float32).astype(np.float64), buys


def mixed_pipeline() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", categories=[[0, 1, 2, 3], [0, 1]])
    columns = ColumnTransformer([("numbers", numbers, [0, 2]), ("categories", categories, [1, 3])])
    return make_pipeline(columns, LogisticRegression())


def split(rows: Array) -> tuple[Array, Array]:
    """The rows that are explained, and the background."""
    return rows[:ROWS], rows[ROWS : ROWS + BACKGROUND]


def both(values: Array, base: Array) -> tuple[Array, Array]:
    """The values of one margin for two classes."""
    return np.stack([-values, values], axis=-1), np.stack([-base, base])


def linear(model: Any, explained: Array, background: Array) -> tuple[Array, Array]:
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.LinearExplainer(model, masker)
    return np.asarray(explainer.shap_values(explained)), np.asarray(explainer.expected_value)


def of_pipeline(pipeline: Pipeline, rows: Array) -> Explained:
    explained, background = split(pipeline[:-1].transform(rows))
    model = pipeline[-1]
    if isinstance(model, SVR | SVC):
        model = (model.coef_[0], float(model.intercept_[0]))
    values, base = linear(model, explained, background)
    if hasattr(pipeline, "classes_") and values.ndim == 2:
        values, base = both(values, np.squeeze(base))
    return found(values, base)


def of_each(pipeline: Pipeline, rows: Array) -> Explained:
    explained, background = split(pipeline[:-1].transform(rows))
    parts = [linear(model, explained, background) for model in pipeline[-1].estimators_]
    return found(np.stack([values for values, _ in parts], axis=-1), np.array([np.squeeze(base) for _, base in parts]))


def of_mixed(pipeline: Pipeline, rows: Array) -> Explained:
    """Ages and amounts come first, then what is made of the categories."""
    explained, background = split(pipeline[:-1].transform(rows))
    values, base = linear(pipeline[-1], explained, background)
    columns = [values[:, 0], values[:, 2:6].sum(axis=1), values[:, 1], values[:, 6:8].sum(axis=1)]
    return found(*both(np.stack(columns, axis=1), np.squeeze(base)))


def exact(predict: Callable[[Array], Array], rows: Array) -> Explained:
    explained, background = split(rows)
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explanation = shap.explainers.Exact(predict, masker)(explained)
    return found(explanation.values, explanation.base_values[0])


def found(values: Array, base: Array) -> Explained:
    """By row, column and output."""
    per_output = values if values.ndim == 3 else values[..., np.newaxis]
    return {"values": rounded(per_output), "base": rounded(np.atleast_1d(base))}


def rounded(values: Array) -> Any:
    return np.vectorize(lambda value: float(f"{value:.{DIGITS}g}"))(values).tolist()


def to_onnx(model: Any, rows: Array, options: dict[int, Any] | None = None) -> onnx.ModelProto:
    sample = rows[:1].astype(np.float32)
    proto = skl2onnx.to_onnx(model, sample, options=options, target_opset=OPSETS)
    proto.ir_version = IR_VERSION
    return proto


def classifier(
    name: str,
    model: Any,
    rows: Array,
    margin: Explained,
    *,
    options: dict[int, Any] | None = None,
    probabilities: bool = False,
    is_ort: bool = False,
) -> None:
    proto = to_onnx(model, rows, options or {id(model): {"zipmap": False}})
    save(name, proto, is_ort=is_ort)
    spaces = {"margin": margin}
    if probabilities:
        spaces["probability"] = exact(model.predict_proba, rows)
    labels = [str(label) for label in model.classes_]
    describe(name, proto, rows, {"labels": labels, "activation": "none", "spaces": spaces})


def regressor(name: str, model: Any, rows: Array, margin: Explained, *, link: str | None = None) -> None:
    proto = to_onnx(model, rows)
    save(name, proto)
    describe(name, proto, rows, {"spaces": {"margin" if link else "output": margin}})


def layers(rows: Array, targets: Array) -> None:
    """One layer as PyTorch exports it, with and without its activation, and two that are one."""
    scaled = StandardScaler().fit(rows)
    model = LogisticRegression().fit(scaled.transform(rows), targets)
    weights, bias = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    margin = found(*both(*squeezed(linear(model, *split(scaled.transform(rows))))))
    constants = {
        "mean": scaled.mean_.astype(np.float32),
        "scale": scaled.scale_.astype(np.float32),
        "weight": weights,
        "bias": bias,
        "doubled": np.concatenate([np.zeros_like(weights), weights]).T,
        "two": np.concatenate([np.zeros_like(bias), bias]),
    }
    scaling = [node("Sub", ["x", "mean"], "centred"), node("Div", ["centred", "scale"], "scaled")]
    gemm = node("Gemm", ["scaled", "weight", "bias"], "logit", transB=1)
    product = [node("MatMul", ["scaled", "doubled"], "product"), node("Add", ["product", "two"], "logits")]
    sigmoid = node("Sigmoid", ["logit"], "probability")
    softmax = node("Softmax", ["logits"], "probabilities", axis=-1)
    both_labels = {"labels": ["0", "1"], "spaces": {"margin": margin}}
    for name, nodes, activation in (
        ("gemm-sigmoid", [*scaling, gemm, sigmoid], "none"),
        ("gemm", [*scaling, gemm], "sigmoid"),
    ):
        proto = graph(nodes, constants, rows.shape[1], 1)
        save(name, proto)
        describe(name, proto, rows, {**both_labels, "activation": activation})
    half = {"values": [], "base": []}
    # The first class has the margin 0.
    half["values"] = [[[0.0, pair[1]] for pair in row] for row in margin["values"]]
    half["base"] = [0.0, margin["base"][1]]
    for name, nodes, activation in (
        ("matmul-softmax", [*scaling, *product, softmax], "none"),
        ("matmul", [*scaling, *product], "softmax"),
    ):
        proto = graph(nodes, constants, rows.shape[1], 2)
        save(name, proto)
        describe(name, proto, rows, {**both_labels, "activation": activation, "spaces": {"margin": half}})


def squeezed(explained: tuple[Array, Array]) -> tuple[Array, Array]:
    return explained[0], np.squeeze(explained[1])


def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [output], **attributes)


def graph(nodes: list[onnx.NodeProto], constants: dict[str, Array], columns: int, outputs: int) -> onnx.ModelProto:
    used = {name for each in nodes for name in each.input}
    proto = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", columns])],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, ["batch", outputs])],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    opset = helper.make_opsetid("", OPSETS[""])
    return helper.make_model(proto, opset_imports=[opset], ir_version=IR_VERSION)


def save(name: str, proto: onnx.ModelProto, *, is_ort: bool = False) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.onnx").write_bytes(proto.SerializeToString())
    if not is_ort:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"{name}.onnx"
        path.write_bytes(proto.SerializeToString())
        tool = "onnxruntime.tools.convert_onnx_models_to_ort"
        command = [sys.executable, "-m", tool, folder, "--optimization_style", "Fixed"]
        subprocess.run(command, check=True, capture_output=True)
        (FOLDER / f"{name}.ort").write_bytes(path.with_suffix(".ort").read_bytes())


def describe(name: str, proto: onnx.ModelProto, rows: Array, contents: dict[str, Any]) -> None:
    explained, background = split(rows)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    output = session.get_outputs()[-1]
    (outputs,) = session.run([output.name], {session.get_inputs()[0].name: explained.astype(np.float32)})
    fixture = {
        "engine": f"shap {shap.__version__}, ONNX Runtime {onnxruntime.__version__}",
        "input": session.get_inputs()[0].name,
        "output": output.name,
        **contents,
        "rows": numbers(explained),
        "background": numbers(background),
        "outputs": rounded(np.asarray(outputs, dtype=np.float64).reshape(len(explained), -1)),
    }
    write(FOLDER / f"{name}.json", to_json(fixture, width=None))


def numbers(rows: Array) -> list[list[float | None]]:
    """Missing values are null."""
    return [[None if np.isnan(value) else float(f"{value:.8g}") for value in row] for row in rows]


if __name__ == "__main__":
    main()
