"""Models of rankings: plain JSON, read with bounds, scored by numpy. Programs that use it depend on numpy themselves.

A model has heads: what may follow when a post is seen (a like, a comment …), and how much each is worth. A head's
margin is a linear part plus trees; its calibration turns margins into probabilities. The score of a post is the sum of
worth times probability. Nothing of it is code, so a foreign file can be wrong but do no harm.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from photomesh_shared.ranking.features import FEATURE_SCHEMA, FEATURES

__all__ = [
    "MAX_MODEL_BYTES",
    "Calibration",
    "Floats",
    "Head",
    "Model",
    "ModelDocument",
    "RefusedModel",
    "Tree",
    "digest",
    "load_model",
    "matrix",
]

MAX_MODEL_BYTES = 2 * 1_048_576
_MAX_HEADS, _MAX_TREES, _MAX_NODES, _MAX_KNOTS = 6, 200, 127, 256
_DIGEST_CHARACTERS = 12
_CHUNK = 4_096  # rows that descend the trees at a time, for memory
_RAW_SHARE = 0.01
"""Of a score: the probability before calibration, which still orders what calibration holds for equal."""

Floats = NDArray[np.float64]
Finite = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Index = Annotated[int, Field(ge=0, lt=_MAX_NODES)]


class RefusedModel(Exception):
    """A file that must not rank. `reason`: `size`, `broken`, `schema`, `digest` or `constant`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tree(_Part):
    """A binary tree as columns. Node 0 is the root; a leaf is its own child on both sides. Where the feature is at
    most the threshold, the left child follows."""

    feature: tuple[Annotated[int, Field(ge=0, lt=len(FEATURES))], ...] = Field(min_length=1, max_length=_MAX_NODES)
    threshold: tuple[Finite, ...]
    left: tuple[Index, ...]
    right: tuple[Index, ...]
    value: tuple[Finite, ...]

    @model_validator(mode="after")
    def _is_a_tree(self) -> Tree:
        size = len(self.feature)
        if {len(self.threshold), len(self.left), len(self.right), len(self.value)} != {size}:
            raise ValueError("columns of different lengths")
        for node, (left, right) in enumerate(zip(self.left, self.right, strict=True)):
            leaf = left == right == node
            if not leaf and not (node < left < size and node < right < size):  # so that every path ends
                raise ValueError("a child comes before its parent, or does not exist")
        return self


class Calibration(_Part):
    """Margins and their probabilities; linear in between, constant beyond."""

    margin: tuple[Finite, ...] = Field(min_length=1, max_length=_MAX_KNOTS)
    probability: tuple[Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)], ...]

    @model_validator(mode="after")
    def _rises(self) -> Calibration:
        if len(self.margin) != len(self.probability):
            raise ValueError("columns of different lengths")
        if sorted(set(self.margin)) != list(self.margin) or sorted(self.probability) != list(self.probability):
            raise ValueError("does not rise")
        return self


class Head(_Part):
    name: str = Field(min_length=1, max_length=32)
    worth: float = Field(gt=0, le=100, allow_inf_nan=False)
    intercept: Finite
    coefficients: tuple[Finite, ...] = Field(min_length=len(FEATURES), max_length=len(FEATURES))
    trees: tuple[Tree, ...] = Field((), max_length=_MAX_TREES)
    calibration: Calibration


class ModelDocument(_Part):
    """`model.json`."""

    format: Literal[1] = 1
    feature_schema: str = Field(max_length=64)
    heads: tuple[Head, ...] = Field(min_length=1, max_length=_MAX_HEADS)

    def encode(self) -> bytes:
        return self.model_dump_json().encode()


def digest(body: bytes) -> str:
    """Return what the name of a model ends with."""
    return hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]


def matrix(rows: Sequence[Sequence[float]]) -> Floats:
    """Return rows of features as models take them, rounded as `served` has them."""
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), len(FEATURES))
    return columns.astype(np.float16).astype(np.float64)


class Model:
    """A loaded model."""

    def __init__(self, document: ModelDocument) -> None:
        self.document: Final = document
        self._heads = [_Scorer(head) for head in document.heads]
        self._worth = sum(head.worth for head in document.heads)

    @property
    def heads(self) -> list[str]:
        return [head.name for head in self.document.heads]

    def scores(self, rows: Floats) -> Floats:
        """Return one score for each row, from 0 to 1. The order of the rows does not matter."""
        total = np.zeros(len(rows))
        for head in self._heads:
            margins = head.margins(rows)
            calibrated = head.probabilities(margins)
            total += head.worth * ((1 - _RAW_SHARE) * calibrated + _RAW_SHARE * _sigmoid(margins))
        return total / self._worth

    def margins(self, head: str, rows: Floats) -> Floats:
        """Return the margins of a head for a post in the first position."""
        return self._heads[self.heads.index(head)].margins(rows)

    def probabilities(self, head: str, margins: Floats) -> Floats:
        return self._heads[self.heads.index(head)].probabilities(margins)


class _Scorer:
    """A head whose trees are one table, so that all rows descend all trees at once."""

    def __init__(self, head: Head) -> None:
        self.worth = head.worth
        self._intercept = head.intercept
        self._coefficients = np.array(head.coefficients)
        self._x, self._y = np.array(head.calibration.margin), np.array(head.calibration.probability)
        starts = np.cumsum([0, *(len(tree.feature) for tree in head.trees)])
        self._roots = starts[:-1].astype(np.intp)
        self._feature = _joined([tree.feature for tree in head.trees], np.intp)
        self._threshold = _joined([tree.threshold for tree in head.trees], np.float64)
        self._value = _joined([tree.value for tree in head.trees], np.float64)
        shifted = list(zip(head.trees, starts[:-1], strict=True))
        self._left = _joined([np.array(tree.left) + start for tree, start in shifted], np.intp)
        self._right = _joined([np.array(tree.right) + start for tree, start in shifted], np.intp)
        self._depth = max((_depth(tree) for tree in head.trees), default=0)

    def margins(self, rows: Floats) -> Floats:
        # No matrix product: its order of additions, and so the last bit, may depend on the number of rows.
        linear: Floats = self._intercept + (rows * self._coefficients).sum(axis=1)
        for start in range(0, len(rows) if len(self._roots) else 0, _CHUNK):
            linear[start : start + _CHUNK] += self._of_trees(rows[start : start + _CHUNK])
        return linear

    def _of_trees(self, rows: Floats) -> Floats:
        values, width = np.ascontiguousarray(rows).ravel(), rows.shape[1]
        offsets = np.arange(len(rows), dtype=np.intp)[:, None] * width
        nodes = np.broadcast_to(self._roots, (len(rows), len(self._roots)))
        for _ in range(self._depth):
            goes_left = values.take(offsets + self._feature.take(nodes)) <= self._threshold.take(nodes)
            nodes = np.where(goes_left, self._left.take(nodes), self._right.take(nodes))
        found: Floats = self._value.take(nodes).sum(axis=1)
        return found

    def probabilities(self, margins: Floats) -> Floats:
        found: Floats = np.interp(margins, self._x, self._y)
        return found


def _joined(columns: Sequence[Sequence[float] | NDArray[np.generic]], kind: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate([np.asarray(column, dtype=kind) for column in columns]) if columns else np.zeros(0, kind)


def _depth(tree: Tree) -> int:
    depths = [0] * len(tree.feature)
    for node, (left, right) in enumerate(zip(tree.left, tree.right, strict=True)):
        if left != node:
            depths[left] = depths[right] = depths[node] + 1
    return max(depths)


def _sigmoid(margins: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(margins, -50, 50)))
    return found


def load_model(body: bytes, expected_digest: str | None = None) -> Model:
    """Parse and try a model. Raises RefusedModel."""
    if len(body) > MAX_MODEL_BYTES:
        raise RefusedModel("size", f"{len(body)} bytes")
    if expected_digest is not None and digest(body) != expected_digest:
        raise RefusedModel("digest")
    try:
        document = ModelDocument.model_validate_json(body)
    except ValidationError as error:
        raise RefusedModel("broken", str(error.errors(include_url=False, include_input=False)[:1])) from error
    if document.feature_schema != FEATURE_SCHEMA:
        raise RefusedModel("schema", document.feature_schema)
    model = Model(document)
    scores = model.scores(_probe())
    if not (np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1 + 1e-9):
        raise RefusedModel("broken", "scores beyond their range")
    if scores.max() - scores.min() < 1e-9:
        raise RefusedModel("constant")
    return model


def _probe() -> Floats:
    """Return rows that cover what features can be: a model that holds all of them for equal ranks nothing."""
    values = np.linspace(0, 1, 64)[:, None] * np.array([1, 3, 5, 7, 11, 13, 17, 19]) % 1.0
    top = [1.0 if position < 5 else math.log1p(1_000) for position in range(len(FEATURES))]
    return matrix((values * np.array(top)).tolist())
