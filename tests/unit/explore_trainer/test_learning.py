"""What learners find in feeds whose truth is known, with fixed seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.learning.examination import examination_curve
from photomesh_explore_trainer.learning.gate import judge
from photomesh_explore_trainer.learning.measures import dcg, ndcg, normalized_entropy
from photomesh_explore_trainer.learning.training import NotEnough, Trained, train, weighted
from photomesh_explore_trainer.learning.trees import fit_trees
from photomesh_shared.ranking.features import FEATURES
from photomesh_shared.ranking.models import Floats, Model, ModelDocument, load_model
from tests.support.simulated_feeds import DAY, NOW, Truth, examination, simulate

DIRECTIONS = np.array([feature.direction for feature in FEATURES])


def days(data: Dataset) -> tuple[Dataset, Dataset, Dataset]:
    """To learn from, to calibrate by, to be judged by."""
    return (
        data.between(0, NOW - 3 * DAY),
        data.between(NOW - 3 * DAY, NOW - 2 * DAY),
        data.between(NOW - 2 * DAY, NOW - DAY),
    )


@pytest.fixture(scope="module")
def data() -> Dataset:
    return simulate()


@pytest.fixture(scope="module")
def trained(data: Dataset) -> Trained:
    learning, calibrating, _ = days(data)
    return train(learning, calibrating)


def quality(data: Dataset, scores: Floats) -> float:
    """By the truth, which no learner sees."""
    return ndcg(data.requests, scores, Truth().relevance(data.rows))


def test_a_learner_that_knows_of_places_is_better_than_one_that_does_not(data: Dataset, trained: Trained) -> None:
    learning, calibrating, _ = days(data)
    naive = train(learning, calibrating, with_position=False)
    by_weights = quality(data, weighted(data.rows))
    of_naive, of_trained = (quality(data, one.model.scores(data.rows)) for one in (naive, trained))
    assert of_trained > 0.99
    assert of_trained > of_naive + 0.03
    assert of_trained > by_weights + 0.1


def test_how_often_places_are_looked_at_is_learnt(trained: Trained) -> None:
    assert trained.examination()[:10] == pytest.approx(examination(np.arange(10)), rel=0.25)


def test_coins_show_how_often_places_are_looked_at() -> None:
    data = simulate(40_000, seed=3, swapped=1.0, truth=Truth(intercept=-3.0))
    found = examination_curve(data.positions, data.swaps, data.labels["like"], length=6)
    assert found is not None
    assert found == pytest.approx(examination(np.arange(6)), rel=0.15)
    assert examination_curve(data.positions, data.swaps, data.labels["save"], length=6) is None


def test_more_affinity_never_lowers_the_score(trained: Trained, data: Dataset) -> None:
    learning, _, _ = days(data)
    margins = np.zeros(len(learning))
    looks = np.ones(len(learning))
    # The contrary of what the constraints allow, so that they matter.
    backwards = learning.rows[:, 0] < 0.3
    trees = fit_trees(learning.rows, backwards, margins, looks, directions=DIRECTIONS, rounds=20)
    [like] = trained.model.document.heads
    boosted = Model(
        ModelDocument(
            feature_schema=trained.model.document.feature_schema, heads=(like.model_copy(update={"trees": trees}),)
        )
    )
    closer = data.rows.copy()
    closer[:, 0] = np.minimum(1, closer[:, 0] + 0.2)
    for model in (trained.model, boosted):
        assert (model.scores(closer) >= model.scores(data.rows)).all()


def test_trees_are_scored_as_by_lightgbm(data: Dataset) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    from photomesh_explore_trainer.learning.trees import tree_of

    labels = (data.rows[:, 0] > 0.5) ^ (data.rows[:, 2] > 0.5)
    parameters = {"objective": "binary", "num_leaves": 15, "num_threads": 1, "verbose": -1, "seed": 7}
    booster = lightgbm.train(parameters, lightgbm.Dataset(data.rows, label=labels), num_boost_round=10)
    trees = tuple(tree_of(one["tree_structure"]) for one in booster.dump_model()["tree_info"])
    learning, calibrating, _ = days(data)
    [head] = train(learning, calibrating, with_trees=False).model.document.heads
    bare = head.model_copy(update={"trees": trees, "intercept": 0.0, "coefficients": (0.0,) * len(FEATURES)})
    model = Model(ModelDocument(feature_schema="any", heads=(bare,)))
    expected = booster.predict(data.rows, raw_score=True)
    assert model.margins("like", data.rows) == pytest.approx(expected, abs=1e-9)


def test_trees_are_taken_where_they_help() -> None:
    data = simulate(6_000, seed=5)
    crossed = (data.rows[:, 1] > 0.5) ^ (data.rows[:, 4] > 0.5)
    random = np.random.default_rng(9)
    reacted = random.random(len(data)) < np.where(crossed, 0.6, 0.05) * examination(data.positions)
    data.labels["like"][:] = reacted
    learning, calibrating, _ = days(data)
    [head] = train(learning, calibrating).model.document.heads
    assert head.trees
    truth = np.where(crossed, 0.6, 0.05)
    with_trees, without = (
        ndcg(data.requests, train(learning, calibrating, with_trees=some).model.scores(data.rows), truth)
        for some in (True, False)
    )
    assert with_trees > without + 0.1


def test_what_is_trained_can_be_loaded_and_is_calibrated(trained: Trained, data: Dataset) -> None:
    body = trained.model.document.encode()
    assert (load_model(body).scores(data.rows[:100]) == trained.model.scores(data.rows[:100])).all()
    _, _, judging = days(data)
    said = trained.probabilities("like", judging)
    assert said.mean() == pytest.approx(judging.labels["like"].mean(), rel=0.15)
    assert normalized_entropy(said, judging.labels["like"]) < 0.75


def test_too_few_reactions() -> None:
    learning, calibrating, _ = days(simulate(50))
    with pytest.raises(NotEnough):
        train(learning, calibrating)
    with pytest.raises(NotEnough):
        train(learning.where(np.zeros(len(learning), dtype=np.bool_)), calibrating)


def test_a_better_model_passes_the_gate(trained: Trained, data: Dataset) -> None:
    verdict = judge(trained, None, days(data)[2])
    assert verdict.failures == []
    assert verdict.figures["ndcg_all"] > verdict.figures["ndcg_all_weights"]
    assert {"ndcg_new_viewers", "ndcg_small_authors"} <= verdict.figures.keys()


def test_a_worse_model_does_not_pass_the_gate(data: Dataset) -> None:
    learning, calibrating, judging = days(data)
    random = np.random.default_rng(3)
    shuffled = {name: random.permutation(labels) for name, labels in learning.labels.items()}
    noise = train(Dataset(**{**vars(learning), "labels": shuffled}), calibrating)
    failures = judge(noise, None, judging).failures
    assert any(failure.startswith("order for all") for failure in failures)


def test_a_model_that_is_worse_than_the_one_that_ranks_does_not_pass(trained: Trained, data: Dataset) -> None:
    learning, calibrating, judging = days(data)
    naive = replace(trained, model=train(learning, calibrating, with_position=False).model)
    assert any("base" in failure for failure in judge(naive, trained.model, judging).failures)


def test_nothing_to_judge_by_is_no_pass(trained: Trained, data: Dataset) -> None:
    judging = days(data)[2]
    assert not judge(trained, None, judging.where(np.zeros(len(judging), dtype=np.bool_))).passed
    assert not judge(trained, None, judging.where(judging.requests < judging.requests.min() + 3)).passed


def test_gains_of_orders() -> None:
    requests = np.array([2, 1, 1, 2])
    gains = np.array([0.0, 1.0, 0.0, 1.0])
    assert dcg(requests, np.array([2.0, 2.0, 1.0, 1.0]), gains) == pytest.approx([1.0, 1 / np.log2(3)])
    assert dcg(requests, np.array([2.0, 2.0, 1.0, 1.0]), gains, top=1) == pytest.approx([1.0, 0.0])
    assert ndcg(requests, gains, gains) == 1.0
    assert ndcg(requests[:0], gains[:0], gains[:0]) == 0.0
