"""Boosted trees, grown in two ways that err differently; the mean of their log-odds errs less.

*Searched* trees look for the best split and see every case with its full weight; *drawn* ones split
at random places and see the many healthy cases with less weight. The first are better calibrated
where errors are many, the second find more of the disks that fail with few.

Reference: Friedman, "Greedy Function Approximation", Annals of Statistics 2001; Geurts, Ernst,
Wehenkel, "Extremely Randomized Trees", Machine Learning 2006.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from models.disks.history import Array

Table = NDArray[np.float32]

SHARED: Final[Mapping[str, Any]] = {
    "objective": "binary",
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
    "feature_pre_filter": False,  # each way has its own least size of a leaf
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 7,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to grow trees.

    Attributes:
        name: Of the file that holds them.
        settings: LightGBM's, beside ``SHARED``.
        trees: How many.
        power: Of the cases' weights.
    """

    name: str
    settings: Mapping[str, Any]
    trees: int
    power: float


RECIPES: Final = (
    Recipe(
        "searched",
        {
            "learning_rate": 0.03,
            "num_leaves": 31,
            "min_data_in_leaf": 200,
            "feature_fraction": 0.3,
        },
        300,
        1.0,
    ),
    Recipe(
        "drawn",
        {
            "extra_trees": True,
            "learning_rate": 0.05,
            "num_leaves": 47,
            "min_data_in_leaf": 60,
            "feature_fraction": 0.5,
        },
        320,
        0.75,
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Forests:
    """Fitted trees, one booster a recipe.

    Attributes:
        boosters: In the order of ``RECIPES``.
    """

    boosters: tuple[lgb.Booster, ...]

    @classmethod
    def grow(
        cls, table: NDArray[np.float32], happened: NDArray[np.bool_], weight: Array
    ) -> "Forests":
        """Return what is learned from cases.

        Args:
            table: Features, one line a case.
            happened: What is to be foretold of each.
            weight: How many cases each stands for.
        """
        cases = lgb.Dataset(table, happened, params=dict(SHARED)).construct()
        grown = []
        for recipe in RECIPES:
            tempered = weight**recipe.power
            cases.set_weight(
                tempered / tempered.mean()
            )  # else what holds trees back weighs nothing
            settings = {**SHARED, **recipe.settings}
            grown.append(lgb.train(settings, cases, recipe.trees))
        return cls(tuple(grown))

    def log_odds(self, table: Table) -> Array:
        """Return the mean log-odds of each case."""
        said = [np.asarray(one.predict(table, raw_score=True)) for one in self.boosters]
        return np.asarray(np.mean(said, axis=0), dtype=np.float64)

    def contributions(self, table: Table) -> Array:
        """Return by how much each feature moved the log-odds of each case; the last is the rest."""
        said = [np.asarray(one.predict(table, pred_contrib=True)) for one in self.boosters]
        return np.asarray(np.mean(said, axis=0), dtype=np.float64)

    def importance(self) -> Array:
        """Return the share of each feature in what all splits gained."""
        gains = [one.feature_importance("gain") for one in self.boosters]
        return np.asarray(np.mean([gain / gain.sum() for gain in gains], axis=0), dtype=np.float64)

    def texts(self) -> dict[str, str]:
        """Return the trees of each recipe in LightGBM's text format."""
        pairs = zip(RECIPES, self.boosters, strict=True)
        return {recipe.name: booster.model_to_string() for recipe, booster in pairs}

    @classmethod
    def read(cls, texts: Sequence[str]) -> "Forests":
        """Return the forests of ``texts``, in the order of ``RECIPES``."""
        return cls(tuple(lgb.Booster(model_str=text) for text in texts))
