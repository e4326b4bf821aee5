"""Models: what is scored, and which files are refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from photomesh_shared.ranking.features import FEATURES, pack_features, unpack_features
from photomesh_shared.ranking.models import MAX_MODEL_BYTES, Floats, RefusedModel, digest, load_model, matrix
from tests.support.models import head, model_body


def some_rows(count: int = 200, seed: int = 7) -> Floats:
    random = np.random.default_rng(seed)
    return matrix(np.hstack([random.random((count, 5)), random.random((count, 3)) * 5]).tolist())


def test_scores_do_not_depend_on_the_order_or_number_of_rows() -> None:
    model, rows = load_model(model_body(head(), head("save", by="recency"))), some_rows()
    scores = model.scores(rows)
    permutation = np.random.default_rng(1).permutation(len(rows))
    assert (model.scores(rows[permutation]) == scores[permutation]).all()
    assert (np.concatenate([model.scores(rows[:7]), model.scores(rows[7:])]) == scores).all()
    assert len(model.scores(rows[:0])) == 0


def test_more_of_what_a_model_likes_never_lowers_the_score() -> None:
    model, rows = load_model(model_body()), some_rows()
    before = model.scores(rows)
    for more in (0.01, 0.1, 0.5):
        liked = rows.copy()
        liked[:, 0] = np.minimum(1, liked[:, 0] + more)
        after = model.scores(liked)
        assert (after >= before).all()
        assert (after > before)[rows[:, 0] < 1].all(), "also where calibration holds them for equal"


def test_trees_are_descended_as_they_say() -> None:
    rows = matrix([[affinity, *[0.0] * 7] for affinity in (0.1, 0.4, 0.5, 0.75)])
    margins = load_model(model_body(head(coefficient=0.0))).margins("like", rows)
    assert margins == pytest.approx([-3.0, -3.0, -1.8, -0.4], abs=0.01)


def test_features_are_rounded_as_they_are_recorded() -> None:
    rows = [(0.123456, 0.2, 0.3, 0.4, 0.5, 1.23456, 2.0, 3.0)]
    assert (matrix(rows) == matrix(unpack_features(pack_features(rows)))).all()


def test_features_that_end_within_a_row() -> None:
    with pytest.raises(ValueError, match="within a row"):
        unpack_features(b"\0" * (2 * len(FEATURES) + 2))


def changed(**changes: Any) -> bytes:
    document = json.loads(model_body())
    document["heads"][0] |= changes
    return json.dumps(document).encode()


def tree(**changes: Any) -> bytes:
    document = json.loads(model_body())
    document["heads"][0]["trees"] = [document["heads"][0]["trees"][0] | changes]
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "broken"),
        (b"\x80\x04\x95garbage", "broken"),
        (b"[" * 100_000, "broken"),
        (b" " * (MAX_MODEL_BYTES + 1), "size"),
        (model_body(feature_schema="another"), "schema"),
        (changed(intercept=float("nan")), "broken"),
        (changed(intercept=float("inf")), "broken"),
        (changed(coefficients=[float("nan")] * 8), "broken"),
        (changed(coefficients=[0.0] * 7), "broken"),
        (changed(coefficients=[1e300] * 8), "broken"),
        (changed(worth=-1), "broken"),
        (changed(code="__import__('os')"), "broken"),
        (changed(coefficients=[0.0] * 8, trees=[]), "constant"),
        (changed(calibration={"margin": [0, 1], "probability": [0.5, float("nan")]}), "broken"),
        (changed(calibration={"margin": [0, 1], "probability": [0.5, 1.5]}), "broken"),
        (changed(calibration={"margin": [0, 1], "probability": [0.9, 0.1]}), "broken"),
        (changed(calibration={"margin": [1, 0], "probability": [0.1, 0.9]}), "broken"),
        (changed(calibration={"margin": [0, 1], "probability": [0.1]}), "broken"),
        (changed(calibration={"margin": [], "probability": []}), "broken"),
        (tree(left=[0, 1, 3, 3, 4]), "broken"),
        (tree(left=[1, 1, 0, 3, 4]), "broken"),
        (tree(right=[99, 1, 4, 3, 4]), "broken"),
        (tree(right=[-1, 1, 4, 3, 4]), "broken"),
        (tree(feature=[99, 0, 0, 0, 0]), "broken"),
        (tree(value=[0, float("nan"), 0, 0, 0]), "broken"),
        (tree(value=[0.0]), "broken"),
    ],
)
def test_files_that_are_refused(body: bytes, reason: str) -> None:
    with pytest.raises(RefusedModel) as refused:
        load_model(body)
    assert refused.value.reason == reason


def test_a_file_with_another_digest_than_its_name_is_refused() -> None:
    body = model_body()
    assert load_model(body, digest(body)).heads == ["like"]
    with pytest.raises(RefusedModel, match="digest"):
        load_model(body + b" ", digest(body))
