"""iris-logistic and iris-kmeans: three species of iris from four measurements.

Data: R. A. Fisher's iris (1936), UCI Machine Learning Repository (CC BY 4.0), as scikit-learn ships it.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, silhouette_score

from publish import Publication, max_error, plain, publish, run, significant, tolerance_for
from tabular import (
    ENGINE,
    INPUT,
    Split,
    card,
    convert,
    fixture,
    preprocess,
    publish_classifier,
    split,
)

EXAMPLE = [5.1, 3.5, 1.4, 0.2]


def main() -> None:
    data = split(
        load_iris(),
        classes=True,
        dataset="iris (Fisher 1936)",
        source="scikit-learn load_iris, from UCI Machine Learning Repository, Iris (doi:10.24432/C56C76)",
        license="CC-BY-4.0",
        about="150 flowers of three species, four measurements in centimetres each: R. A. Fisher's iris (1936), UCI Machine Learning Repository.",
    )
    publish_classifier(
        LogisticRegression(max_iter=1000).fit(data.x_train, data.y_train),
        data,
        name="iris-logistic",
        title="Iris species, logistic regression",
        description="Tells three species of iris apart from four measurements by logistic regression.",
        recipe="iris.py",
        about_model="Multinomial `LogisticRegression` on the raw columns.",
        limits=[
            "150 flowers, of which versicolor and virginica overlap.",
            "Any four numbers get an answer; nothing says that a flower is no iris.",
        ],
        example=EXAMPLE,
    )
    publish_kmeans(data)


def publish_kmeans(data: Split) -> None:
    """Three clusters; the answer is the Euclidean distance to each centre."""
    name = "iris-kmeans"
    estimator = KMeans(n_clusters=3, n_init=10, random_state=42).fit(data.x_train)
    model = convert(estimator, name, data.columns, {})
    expected = {
        "label": estimator.predict(data.x_test).astype(np.int64),
        "scores": estimator.transform(data.x_test),
    }
    answered = run(model, {INPUT: data.x_test.astype(np.float32)})
    # The example is a training row closer to its centre, where the squares cancel more.
    distances = estimator.transform([EXAMPLE])[0]
    example_answer = run(model, {INPUT: np.array([EXAMPLE], dtype=np.float32)})["scores"][0]
    error = max(max_error(answered["scores"], expected["scores"]), max_error(example_answer, distances))
    agreement = int(np.sum(answered["label"] == expected["label"]))
    title = "Iris clusters, k-means"
    description = "Assigns a flower to one of three clusters by its distance to their centres."
    publish(
        Publication(
            name=name,
            description=description,
            task="clustering",
            recipe="iris.py",
            model=model,
            preprocess=preprocess(data),
            postprocess={"type": "clustering", "version": 1, "distances": "scores"},
            labels=["0", "1", "2"],
            source=data.source,
            license=data.license,
            metrics={
                "adjustedRandIndex": significant(adjusted_rand_score(data.y_test, answered["label"])),
                "silhouette": significant(silhouette_score(data.x_test, answered["label"])),
                "dataset": data.held_out,
                "samples": len(data.y_test),
                "labelAgreement": f"{agreement} of {len(data.y_test)} with {ENGINE}",
                "maxAbsError": significant(error, 2),
            },
            example={
                "inputs": EXAMPLE,
                "output": [
                    {"label": str(i), "distance": plain(distances[i])}
                    for i in np.argsort(distances, kind="stable")
                ],
                "tolerance": tolerance_for(error),
                "engine": ENGINE,
            },
            fixture=fixture(data, expected, {"scores": tolerance_for(error)}),
            descriptions={
                INPUT: "one row of numbers, in the order of the columns",
                "label": "index of the nearest centre",
                "scores": "Euclidean distance to each of the three centres, in centimetres",
            },
            card=card(
                title,
                description,
                data,
                [
                    "Clusters are numbered, not named: they are found without the species.",
                    "Versicolor and virginica overlap, so two of the clusters do not follow them exactly.",
                ],
                "`KMeans` with three clusters, fitted on the training rows without their species. "
                "`adjustedRandIndex` compares the clusters with the species.",
            ),
        )
    )


if __name__ == "__main__":
    main()
