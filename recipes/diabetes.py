"""diabetes-linear and diabetes-ridge: progression of diabetes one year after baseline.

Data: the 442 patients of Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", Annals of
Statistics 32 (2004), as scikit-learn ships them (BSD-3-Clause), in their original units.
"""

from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tabular import publish_regressor, split

LIMITS = [
    "442 patients of one study: a teaching model, not a medical device.",
    "Linear: it extrapolates without bounds outside the ranges of the data, below zero too.",
    "`sex` is the code 1 or 2 of the original file, whose meaning its authors do not state.",
]
MEANING = "disease progression one year after baseline (training values run from 25 to 346)"


def main() -> None:
    data = split(
        load_diabetes(scaled=False),
        classes=False,
        dataset="diabetes (Efron et al. 2004)",
        source="scikit-learn load_diabetes(scaled=False), from Efron et al., Least Angle Regression (2004)",
        license="BSD-3-Clause",
        about=(
            "442 patients, ten baseline variables in their original units: age in years, sex, body mass "
            "index, average blood pressure, and six blood serum measurements (s1 total cholesterol, s2 "
            "low-density and s3 high-density lipoproteins, s4 total cholesterol over HDL, s5 log of "
            "triglycerides, s6 blood sugar). From Efron, Hastie, Johnstone and Tibshirani, *Least Angle "
            "Regression* (2004), as shipped with scikit-learn."
        ),
    )
    publish_regressor(
        LinearRegression().fit(data.x_train, data.y_train),
        data,
        name="diabetes-linear",
        title="Diabetes progression, linear regression",
        description="Predicts the progression of diabetes after one year from ten baseline variables by least squares.",
        recipe="diabetes.py",
        about_model="Ordinary least squares on the raw columns (`LinearRegression`).",
        limits=LIMITS,
        meaning=MEANING,
    )
    publish_regressor(
        make_pipeline(StandardScaler(), Ridge(alpha=10.0)).fit(data.x_train, data.y_train),
        data,
        name="diabetes-ridge",
        title="Diabetes progression, ridge regression",
        description="Predicts the progression of diabetes after one year from ten baseline variables by ridge regression.",
        recipe="diabetes.py",
        about_model="`StandardScaler`, then `Ridge` with alpha 10; both are in the graph, so it takes raw columns.",
        limits=LIMITS,
        meaning=MEANING,
    )


if __name__ == "__main__":
    main()
