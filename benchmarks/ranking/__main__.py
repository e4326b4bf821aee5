"""``python -m benchmarks.ranking``: see the package."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.ranking.movielens import PAGE, fetched, pages_of, served
from benchmarks.report import machine, write
from photomesh_explore_trainer.learning.examination import examination_curve
from photomesh_explore_trainer.learning.measures import ndcg
from photomesh_explore_trainer.learning.training import train, weighted
from photomesh_shared.ranking.models import Floats

_SEEDS = (1, 2, 3)
_ROUNDS, _COIN_ROUNDS = 4, 60
_PLACES = 10


def main() -> None:
    pages, curve = pages_of(fetched()), 1.0 / np.arange(1, PAGE + 1)
    learning_until, calibrating_until = np.quantile(pages.served_at, [0.8, 0.9])
    judged = pages.served_at > calibrating_until

    def quality(scores: Floats) -> float:
        """NDCG@10 by the truth, over the last tenth of the time."""
        return ndcg(pages.requests[judged], scores[judged], pages.relevance[judged])

    found: dict[str, list[float]] = {name: [] for name in ("naive", "logistic", "trees", "all is looked at")}
    errors: list[float] = []
    seconds = 0.0
    for seed in _SEEDS:
        data = served(pages, curve, seed=seed, rounds=_ROUNDS)
        parts = data.between(0, learning_until), data.between(learning_until, calibrating_until)
        began = time.process_time()
        models = {
            "naive": train(*parts, with_position=False),
            "logistic": train(*parts, with_trees=False),
            "trees": train(*parts),
        }
        seconds += time.process_time() - began
        open_eyes = served(pages, np.ones(PAGE), seed=seed, rounds=_ROUNDS)
        models["all is looked at"] = train(
            open_eyes.between(0, learning_until),
            open_eyes.between(learning_until, calibrating_until),
            with_position=False,
        )
        for name, trained in models.items():
            found[name].append(quality(trained.model.scores(pages.rows)))
        looks = models["trees"].examination()[:_PLACES]
        errors.append(float(np.abs(looks / curve[:_PLACES] - 1).max()))
    coins = served(pages, curve, seed=9, rounds=_COIN_ROUNDS, swapped=1.0)
    by_coins = examination_curve(coins.positions, coins.swaps, coins.labels["like"], length=_PLACES)
    coin_error = float(np.abs(by_coins / curve[:_PLACES] - 1).max()) if by_coins is not None else None
    by_weights, random = quality(weighted(pages.rows)), quality(np.random.default_rng(1).random(len(pages.rows)))
    requests = len(pages.requests) // PAGE
    lines = [
        "# Learnt rankings",
        "",
        f"Feeds made of MovieLens 100k: {requests:,} pages of {PAGE} films, each served {_ROUNDS} times in the order",
        "of the weights. Ratings and their order are people's; who looks at a place (1 ÷ place of the time) and who",
        "reacts (2, 4, 10, 35, 70 % by stars) is drawn. Learnt from the first 80 % of the time, calibrated on the next",
        f"tenth, judged on the last by what is true. {machine()}.",
        "",
        f"| ranking | NDCG@10, mean of {len(_SEEDS)} draws | least | most |",
        "| --- | --- | --- | --- |",
        f"| any order | {random:.4f} | | |",
        f"| weighted sum | {by_weights:.4f} | | |",
    ]
    names = {
        "naive": "learnt without places",
        "logistic": "learnt with places: logistic regression",
        "trees": "learnt with places: trees where they help",
        "all is looked at": "learnt where everybody looks at everything (a bound)",
    }
    lines += [
        f"| {title} | {np.mean(found[name]):.4f} | {min(found[name]):.4f} | {max(found[name]):.4f} |"
        for name, title in names.items()
    ]
    coin_text = "" if coin_error is None else f", by {len(coins) // PAGE:,} coins alone within {coin_error:.1%}"
    lines += [
        "",
        f"How often a place is looked at, over the first {_PLACES}: learnt within {max(errors):.1%}{coin_text}.",
        f"The three trainings of a draw took {seconds / len(_SEEDS):.1f} s of a processor.",
    ]
    figures = {
        "weights": by_weights,
        "random": random,
        **{name: found[name] for name in names},
        "curve_error": errors,
        "coin_error": coin_error,
        "train_seconds": seconds / len(_SEEDS),
    }
    print(write("ranking", lines, figures))


if __name__ == "__main__":
    main()
