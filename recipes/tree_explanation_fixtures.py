"""What Python's shap computes of tree ensembles; writes test/fixtures/explanations/trees.

Each model is trained on a table of scikit-learn, exported as ONNX, and explained by ``shap.TreeExplainer`` over background rows
(``feature_perturbation="interventional"``), in margin and, where its trees hold log-odds, in probability space. The values of a
pipeline whose columns become several features, and of sets, are those of ``shap.explainers.Exact``, which runs the model; those of
covers are path-dependent ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import catboost
import lightgbm
import numpy as np
import onnx
import onnxmltools
import onnxruntime
import shap
import skl2onnx
import xgboost
from onnx import TensorProto, helper
from onnxmltools.convert.common.data_types import FloatTensorType
from scipy import special
from skl2onnx.common import _container
from skl2onnx.common.data_types import FloatTensorType as SklearnFloats
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from publish import IR_VERSION, ROOT, write
from rendering import to_json

FOLDER = ROOT / "test" / "fixtures" / "explanations" / "trees"
BACKGROUND = 24
ROWS = 4
ML_VERSION = 3
OPSET = 15
LEAF = "LEAF"

Values = Mapping[str, Any]

make_node = _container.make_node


def make_node_of_numbers(*arguments: Any, **attributes: Any) -> onnx.NodeProto:
    """skl2onnx gives missing_value_tracks_true as booleans, which onnx refuses."""
    values = {
        name: [int(each) for each in value] if name.endswith("tracks_true") else value
        for name, value in attributes.items()
    }
    return make_node(*arguments, **values)


_container.make_node = make_node_of_numbers


def main() -> None:
    warnings.filterwarnings("ignore")
    for build in (
        decision_tree,
        random_forest,
        forest_regression,
        several_targets,
        sklearn_boosting,
        sklearn_boosting_regression,
        histogram_boosting,
        lightgbm_binary,
        lightgbm_classes,
        xgboost_binary,
        xgboost_classes,
        xgboost_regression,
        catboost_binary,
        catboost_regression,
        one_hot_pipeline,
        set_membership,
        covers,
    ):
        name = build.__name__.replace("_", "-")
        print(name)
        model, fixture = build()
        write(FOLDER / f"{name}.onnx", model.SerializeToString())
        write(FOLDER / f"{name}.json", to_json(fixture, width=None))


# --- scikit-learn ---------------------------------------------------------------------------------------------------


def decision_tree():
    inputs, truth = table(load_iris)
    model = DecisionTreeClassifier(max_depth=4, random_state=1).fit(inputs, truth)
    return from_sklearn(model, inputs), explained(model, inputs, model.predict_proba)


def random_forest():
    inputs, truth = table(load_wine)
    model = RandomForestClassifier(20, max_depth=6, random_state=1).fit(inputs, truth)
    return from_sklearn(model, inputs), explained(model, inputs, model.predict_proba)


def forest_regression():
    inputs, truth = table(load_diabetes)
    model = RandomForestRegressor(12, max_depth=5, random_state=1).fit(inputs, truth)
    return from_sklearn(model, inputs), explained(model, inputs, model.predict)


def several_targets():
    inputs, truth = table(load_diabetes)
    both = np.stack([truth / 100, np.sin(truth) + inputs[:, 2] * 10], axis=1)
    model = ExtraTreesRegressor(10, max_depth=5, random_state=1).fit(inputs, both)
    return from_sklearn(model, inputs), explained(model, inputs, model.predict)


def sklearn_boosting():
    inputs, truth = table(load_breast_cancer)
    model = GradientBoostingClassifier(n_estimators=25, max_depth=3, random_state=1).fit(inputs, truth)
    return from_sklearn(model, inputs), explained(
        model, inputs, model.decision_function, probability=lambda rows: model.predict_proba(rows)[:, 1]
    )


def sklearn_boosting_regression():
    inputs, truth = table(load_diabetes)
    model = GradientBoostingRegressor(n_estimators=30, max_depth=4, random_state=1).fit(inputs, truth)
    return from_sklearn(model, inputs), explained(model, inputs, model.predict)


def histogram_boosting():
    inputs, truth = table(load_breast_cancer, missing=True)
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=12, random_state=1).fit(inputs, truth)
    return from_sklearn(model, inputs), explained(
        model, inputs, model.decision_function, probability=lambda rows: model.predict_proba(rows)[:, 1]
    )


# --- other libraries ------------------------------------------------------------------------------------------------


def lightgbm_binary():
    inputs, truth = table(load_breast_cancer, missing=True)
    model = lightgbm.LGBMClassifier(n_estimators=20, num_leaves=15, random_state=1, n_jobs=1, verbose=-1)
    model.fit(inputs, truth)
    exported = onnxmltools.convert_lightgbm(
        model, initial_types=floats(inputs, FloatTensorType), zipmap=False, target_opset=OPSET
    )
    return exported, explained(
        model,
        inputs,
        lambda rows: model.predict(rows, raw_score=True),
        probability=lambda rows: model.predict_proba(rows)[:, 1],
    )


def lightgbm_classes():
    inputs, truth = table(load_wine)
    model = lightgbm.LGBMClassifier(n_estimators=10, num_leaves=8, random_state=1, n_jobs=1, verbose=-1)
    model.fit(inputs, truth)
    exported = onnxmltools.convert_lightgbm(
        model, initial_types=floats(inputs, FloatTensorType), zipmap=False, target_opset=OPSET
    )
    return exported, explained(model, inputs, lambda rows: model.predict(rows, raw_score=True))


def xgboost_binary():
    inputs, truth = table(load_breast_cancer, missing=True)
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=4, random_state=1, n_jobs=1).fit(inputs, truth)
    return from_xgboost(model, inputs), explained(
        model,
        inputs,
        lambda rows: model.predict(rows, output_margin=True),
        probability=lambda rows: model.predict_proba(rows)[:, 1],
    )


def xgboost_classes():
    inputs, truth = table(load_wine)
    model = xgboost.XGBClassifier(n_estimators=10, max_depth=3, random_state=1, n_jobs=1).fit(inputs, truth)
    return from_xgboost(model, inputs), explained(
        model, inputs, lambda rows: model.predict(rows, output_margin=True)
    )


def xgboost_regression():
    inputs, truth = table(load_diabetes)
    model = xgboost.XGBRegressor(n_estimators=20, max_depth=4, random_state=1, n_jobs=1).fit(inputs, truth)
    return from_xgboost(model, inputs), explained(model, inputs, model.predict)


def catboost_binary():
    inputs, truth = table(load_breast_cancer)
    model = catboost.CatBoostClassifier(
        iterations=15, depth=4, random_seed=1, thread_count=1, verbose=False, allow_writing_files=False
    ).fit(inputs, truth)
    return from_catboost(model), explained(
        model, inputs, lambda rows: model.predict(rows, prediction_type="RawFormulaVal")
    )


def catboost_regression():
    inputs, truth = table(load_diabetes)
    model = catboost.CatBoostRegressor(
        iterations=20, depth=5, random_seed=1, thread_count=1, verbose=False, allow_writing_files=False
    ).fit(inputs, truth)
    return from_catboost(model), explained(model, inputs, model.predict)


# --- what shap cannot read ------------------------------------------------------------------------------------------


def one_hot_pipeline():
    """Two columns are categories, which become seven features; the others are scaled."""
    inputs, truth = table(load_breast_cancer)
    inputs = inputs[:, :6].copy()
    inputs[:, 1] = np.digitize(inputs[:, 1], [16, 19, 22])
    inputs[:, 4] = np.digitize(inputs[:, 4], [0.09, 0.1])
    columns = ColumnTransformer(
        [("category", OneHotEncoder(), [1, 4]), ("number", StandardScaler(), [0, 2, 3, 5])]
    )
    model = make_pipeline(columns, GradientBoostingClassifier(n_estimators=15, max_depth=4, random_state=1))
    model.fit(inputs, truth)
    exported = from_sklearn(model, inputs)
    # ONNX Runtime scales in FP32, which decides comparisons of equal numbers.
    run = engine(exported)
    return exported, exactly(lambda rows: special.logit(run(rows)[1][:, 1].astype(np.float64)), inputs)


def set_membership():
    """``TreeEnsemble`` of version 5 of ai.onnx.ml, with sets, equality and a missing value that is true."""
    inputs, _ = table(load_iris)
    inputs = np.round(inputs).astype(np.float32)
    leaves = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5, -0.3]
    node = helper.make_node(
        "TreeEnsemble",
        ["input"],
        ["output"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function=1,
        post_transform=0,
        tree_roots=[0, 3],
        nodes_featureids=[0, 2, 3, 0, 1, 2],
        nodes_splits=tensor([4, 5, 1, 6, 3, 2]),
        # BRANCH_MEMBER, BRANCH_LEQ, BRANCH_EQ, BRANCH_GT, BRANCH_MEMBER, BRANCH_NEQ
        nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [6], [6, 0, 4, 3, 6, 5]),
        membership_values=tensor([5, 7, np.nan, 2, 3, np.nan]),
        nodes_truenodeids=[1, 0, 1, 4, 3, 5],
        nodes_trueleafs=[0, 1, 1, 0, 1, 1],
        nodes_falsenodeids=[2, 2, 2, 5, 4, 6],
        nodes_falseleafs=[0, 1, 1, 0, 1, 1],
        nodes_missing_value_tracks_true=[0, 1, 0, 1, 0, 0],
        leaf_targetids=[0] * 7,
        leaf_weights=tensor(leaves),
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["rows", 4])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["rows", 1])],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    run = engine(model)
    return model, exactly(lambda rows: run(rows)[0][:, 0], inputs)


def covers():
    """A decision tree that says how many rows of the training data reached each node."""
    inputs, truth = table(load_wine)
    model = DecisionTreeClassifier(max_depth=5, random_state=1, min_samples_leaf=3).fit(inputs, truth)
    exported = from_sklearn(model, inputs)
    node = next(each for each in exported.graph.node if each.op_type.startswith("TreeEnsemble"))
    for attribute in list(node.attribute):
        if attribute.name == "nodes_hitrates":
            node.attribute.remove(attribute)
    node.attribute.append(
        helper.make_attribute("nodes_hitrates", [float(count) for count in model.tree_.n_node_samples])
    )
    rows = inputs[BACKGROUND : BACKGROUND + ROWS]
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    return exported, {
        "engine": f"shap {shap.__version__}",
        "rows": numbers(rows),
        # Each row of the training data counts once at each node.
        "pathDependent": answer(explainer, rows, model.predict_proba, inputs),
    }


# --- shared -----------------------------------------------------------------------------------------------------------


def table(load: Callable[..., Any], missing: bool = False):
    """Rows in an order of their own, some of whose numbers may be missing."""
    inputs, truth = load(return_X_y=True)
    random = np.random.default_rng(5)
    order = random.permutation(len(inputs))
    # Multiples of a power of two, so that FP32 has each number halfway between two of them: these are the thresholds.
    inputs = inputs[order]
    step = 2.0 ** np.floor(np.log2(np.ptp(inputs, axis=0))) / 256
    inputs = np.round(inputs / step) * step
    if missing:
        inputs[random.random(inputs.shape) < 0.1] = np.nan
    return inputs, truth[order]


def engine(model: onnx.ModelProto) -> Callable[[np.ndarray], list[np.ndarray]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda rows: session.run(None, {"input": rows.astype(np.float32)})


def floats(inputs: np.ndarray, kind: Any):
    return [("input", kind([None, inputs.shape[1]]))]


def from_sklearn(model: Any, inputs: np.ndarray) -> onnx.ModelProto:
    options = {"zipmap": False} if hasattr(model, "predict_proba") else {}
    return skl2onnx.to_onnx(
        model,
        initial_types=floats(inputs, SklearnFloats),
        options={id(model): options},
        target_opset={"": OPSET, "ai.onnx.ml": ML_VERSION},
    )


def from_xgboost(model: Any, inputs: np.ndarray) -> onnx.ModelProto:
    return onnxmltools.convert_xgboost(
        model, initial_types=floats(inputs, FloatTensorType), target_opset=OPSET
    )


def from_catboost(model: Any) -> onnx.ModelProto:
    path = FOLDER / "catboost.tmp"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save_model(str(path), format="onnx", export_parameters={"onnx_domain": "ai.onnxflare"})
    exported = onnx.load(path)
    path.unlink()
    # Publishing a model replaces the list of dictionaries by the tensor that it is made of, as here.
    zip_map = next((node for node in exported.graph.node if node.op_type == "ZipMap"), None)
    if zip_map:
        exported.graph.node.remove(zip_map)
        trees = next(node for node in exported.graph.node if zip_map.input[0] in node.output)
        trees.output[list(trees.output).index(zip_map.input[0])] = zip_map.output[0]
        scores = next(each for each in exported.graph.output if each.name == zip_map.output[0])
        scores.CopyFrom(helper.make_tensor_value_info(scores.name, TensorProto.FLOAT, ["N", 2]))
    return exported


def explained(
    model: Any,
    inputs: np.ndarray,
    margin: Callable[[np.ndarray], np.ndarray],
    probability: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Values:
    background, rows = inputs[:BACKGROUND], inputs[BACKGROUND : BACKGROUND + ROWS]
    explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional")
    fixture = {
        "engine": f"shap {shap.__version__}",
        "background": numbers(background),
        "rows": numbers(rows),
        "margin": answer(explainer, rows, margin, background),
    }
    if probability:
        explainer = shap.TreeExplainer(
            model, background, feature_perturbation="interventional", model_output="probability"
        )
        fixture["probability"] = answer(explainer, rows, probability, background)
    return fixture


def exactly(score: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray) -> Values:
    background, rows = inputs[:BACKGROUND], inputs[BACKGROUND : BACKGROUND + ROWS]
    explainer = shap.explainers.Exact(score, shap.maskers.Independent(background, max_samples=BACKGROUND))
    found = explainer(rows)
    return {
        "engine": f"shap {shap.__version__}",
        "background": numbers(background),
        "rows": numbers(rows),
        "margin": {
            "base": numbers(found.base_values[:1]),
            "values": numbers(found.values[:, :, None]),
            "output": numbers(score(rows)[:, None]),
        },
    }


def answer(
    explainer: Any, rows: np.ndarray, score: Callable[[np.ndarray], np.ndarray], background: np.ndarray
) -> Values:
    """By row: values by column and output of the trees, and the outputs; what they have on average over the background rows.

    The averages are the model's own: shap leaves out the bias of CatBoost and that of XGBoost's classes.
    """
    values = np.asarray(explainer.shap_values(rows, check_additivity=False), dtype=np.float64)
    values = values.reshape(len(rows), rows.shape[1], -1)
    output = np.asarray(score(rows), dtype=np.float64).reshape(len(rows), -1)
    base = np.asarray(score(background), dtype=np.float64).reshape(len(background), -1).mean(axis=0)
    error = np.abs(base + values.sum(axis=1) - output).max() / max(1, np.abs(output).max())
    assert error < 2e-6, error
    return {"base": numbers(base), "values": numbers(values), "output": numbers(output)}


def tensor(values: list[float]) -> TensorProto:
    return helper.make_tensor("values", TensorProto.FLOAT, [len(values)], values)


def numbers(values: np.ndarray) -> Any:
    """Nine digits, more than FP32 has; ``None`` where a value is missing."""
    if np.ndim(values):
        return [numbers(each) for each in values]
    return None if np.isnan(values) else float(f"{float(values):.9g}")


if __name__ == "__main__":
    main()
