"""breast-cancer-svm, breast-cancer-gradient-boosting and breast-cancer-mlp: malignant or benign.

Data: Wolberg, Mangasarian, Street and Street, Breast Cancer Wisconsin (Diagnostic) (1993), UCI Machine
Learning Repository (CC BY 4.0), as scikit-learn ships it.
"""

import numpy as np
import onnx
from onnx.helper import make_node
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from publish import build
from tabular import INPUT, publish_classifier, split

LIMITS = [
    "569 patients of one hospital: a teaching model, not a medical device.",
    "It wants the thirty numbers of the study's own image analysis, not a photograph.",
]


def main() -> None:
    data = split(
        load_breast_cancer(),
        classes=True,
        dataset="breast cancer Wisconsin (diagnostic, 1993)",
        source="scikit-learn load_breast_cancer, from UCI Machine Learning Repository, Breast Cancer Wisconsin (Diagnostic) (doi:10.24432/C5DW2B)",
        license="CC-BY-4.0",
        about="569 fine-needle aspirates, thirty numbers about the cell nuclei in each image: W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast Cancer Wisconsin (Diagnostic) (1993), UCI Machine Learning Repository.",
    )
    calibrated = CalibratedClassifierCV(
        SVC(),
        method="sigmoid",
        cv=StratifiedKFold(5, shuffle=True, random_state=42),
        ensemble=False,
    )
    publish_classifier(
        make_pipeline(StandardScaler(), calibrated).fit(data.x_train, data.y_train),
        data,
        name="breast-cancer-svm",
        title="Breast cancer, support vector machine",
        description="Tells malignant from benign tumours by thirty measurements of cell nuclei, by a support vector machine.",
        recipe="breast_cancer.py",
        about_model="`StandardScaler`, then `SVC` with an RBF kernel, its decision value turned into probabilities by Platt scaling (`CalibratedClassifierCV`, five folds of the training rows).",
        limits=LIMITS,
    )
    publish_classifier(
        GradientBoostingClassifier(random_state=42).fit(data.x_train, data.y_train),
        data,
        name="breast-cancer-gradient-boosting",
        title="Breast cancer, gradient boosting",
        description="Tells malignant from benign tumours by thirty measurements of cell nuclei, by gradient-boosted trees.",
        recipe="breast_cancer.py",
        about_model="`GradientBoostingClassifier`: 100 trees of at most three levels, on the raw columns.",
        limits=LIMITS,
    )
    network = make_pipeline(
        StandardScaler(),
        MLPClassifier(hidden_layer_sizes=(16,), alpha=1.0, max_iter=2000, random_state=42),
    ).fit(data.x_train, data.y_train)
    publish_classifier(
        network,
        data,
        name="breast-cancer-mlp",
        title="Breast cancer, neural network",
        description="Tells malignant from benign tumours by thirty measurements of cell nuclei, by a small neural network.",
        recipe="breast_cancer.py",
        about_model="`StandardScaler`, one hidden layer of 16 ReLU units and a sigmoid output (`MLPClassifier`); the graph is `Sub`, `Div`, `Gemm`, `Relu`, `Gemm`, `Sigmoid`.",
        limits=LIMITS,
        model=to_graph(network, "breast-cancer-mlp"),
    )


def to_graph(pipeline: Pipeline, name: str) -> onnx.ModelProto:
    """The scaler and the network as six nodes, with the sigmoid's probability as the only output."""
    scaler, network = (step for _, step in pipeline.steps)
    return build(
        name,
        [
            make_node("Sub", [INPUT, "mean"], ["centred"]),
            make_node("Div", ["centred", "scale"], ["scaled"]),
            make_node("Gemm", ["scaled", "hidden_weight", "hidden_bias"], ["hidden"]),
            make_node("Relu", ["hidden"], ["active"]),
            make_node("Gemm", ["active", "output_weight", "output_bias"], ["logit"]),
            make_node("Sigmoid", ["logit"], ["probability"]),
        ],
        inputs={INPUT: [scaler.n_features_in_]},
        outputs={"probability": [1]},
        initializers={
            key: np.asarray(value, dtype=np.float32)
            for key, value in {
                "mean": scaler.mean_,
                "scale": scaler.scale_,
                "hidden_weight": network.coefs_[0],
                "hidden_bias": network.intercepts_[0],
                "output_weight": network.coefs_[1],
                "output_bias": network.intercepts_[1],
            }.items()
        },
    )


if __name__ == "__main__":
    main()
