"""Gradient-boosted trees on top of a logistic model: what it says is where they begin, and how often a place is looked
at is taken from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from photomesh_explore_trainer.domain.dataset import Flags, Integers
from photomesh_explore_trainer.learning.logistic import sigmoid
from photomesh_shared.ranking.models import Floats, Tree

__all__ = ["fit_trees", "tree_of"]

_PARAMETERS = {
    "num_leaves": 15,
    "max_depth": 5,
    "learning_rate": 0.08,
    "min_data_in_leaf": 100,
    "lambda_l2": 1.0,
    "boost_from_average": False,
    "use_missing": False,
    "monotone_constraints_method": "basic",
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 7,
    "verbose": -1,
}
_ROUNDS = 100


def fit_trees(
    rows: Floats, labels: Flags, initial_margins: Floats, looks: Floats, *, directions: Integers, rounds: int = _ROUNDS
) -> tuple[Tree, ...]:
    """`looks`: how often the place of each row is looked at."""
    import lightgbm  # it loads a second of libraries, which nothing else here needs

    def objective(margins: Floats, _: Any) -> tuple[Floats, Floats]:
        """Return the gradient of the loss by the margins, and its expected second derivative."""
        likes = sigmoid(margins)
        reacts = np.clip(looks * likes, 1e-9, 1 - 1e-9)
        slope = 1 - likes
        return (reacts - labels) / (1 - reacts) * slope, reacts / (1 - reacts) * slope**2

    data = lightgbm.Dataset(rows, label=labels.astype(np.float64), init_score=initial_margins, free_raw_data=True)
    parameters = {**_PARAMETERS, "objective": objective, "monotone_constraints": directions.tolist()}
    booster = lightgbm.train(parameters, data, num_boost_round=rounds)
    trees = [tree_of(one["tree_structure"]) for one in booster.dump_model()["tree_info"]]
    return tuple(tree for tree in trees if len(tree.feature) > 1)


def tree_of(root: dict[str, Any]) -> Tree:
    """Return LightGBM's form of a tree as ours: columns, parents first."""
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    value: list[float] = []

    def add(node: dict[str, Any]) -> int:
        number = len(feature)
        leaf = "split_index" not in node
        feature.append(0 if leaf else node["split_feature"])
        threshold.append(0.0 if leaf else float(node["threshold"]))
        value.append(float(node["leaf_value"]) if leaf else 0.0)
        left.append(number)
        right.append(number)
        if not leaf:
            left[number] = add(node["left_child"])
            right[number] = add(node["right_child"])
        return number

    add(root)
    return Tree(
        feature=tuple(feature), threshold=tuple(threshold), left=tuple(left), right=tuple(right), value=tuple(value)
    )
