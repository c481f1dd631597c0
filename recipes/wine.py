"""wine-naive-bayes and wine-decision-tree: three cultivars of wine from a chemical analysis.

Data: Aeberhard and Forina, Wine (1992), UCI Machine Learning Repository (CC BY 4.0), as scikit-learn
ships it.
"""

from sklearn.datasets import load_wine
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from tabular import publish_classifier, split


def main() -> None:
    data = split(
        load_wine(),
        classes=True,
        dataset="wine (Aeberhard and Forina 1992)",
        source="scikit-learn load_wine, from UCI Machine Learning Repository, Wine (doi:10.24432/C5PC7J)",
        license="CC-BY-4.0",
        about="178 wines of three cultivars grown in one region of Italy, thirteen chemical measurements each: S. Aeberhard and M. Forina, Wine (1992), UCI Machine Learning Repository.",
    )
    publish_classifier(
        GaussianNB().fit(data.x_train, data.y_train),
        data,
        name="wine-naive-bayes",
        title="Wine cultivar, naive Bayes",
        description="Tells three cultivars of wine apart from thirteen chemical measurements by Gaussian naive Bayes.",
        recipe="wine.py",
        about_model="`GaussianNB` on the raw columns.",
        limits=[
            "178 wines of one region; other wines get an answer that means nothing.",
            "The measurements are not independent, so probabilities are pushed towards 0 and 1.",
        ],
    )
    publish_classifier(
        DecisionTreeClassifier(max_depth=4, min_samples_leaf=3, random_state=42).fit(
            data.x_train, data.y_train
        ),
        data,
        name="wine-decision-tree",
        title="Wine cultivar, decision tree",
        description="Tells three cultivars of wine apart from thirteen chemical measurements by a decision tree.",
        recipe="wine.py",
        about_model="`DecisionTreeClassifier` of at most four levels with at least three wines in a leaf, on the raw columns.",
        limits=[
            "178 wines of one region; other wines get an answer that means nothing.",
            "Probabilities are the shares of a leaf's training rows, so they take a few values only.",
        ],
    )


if __name__ == "__main__":
    main()
