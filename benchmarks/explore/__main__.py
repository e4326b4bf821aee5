"""``python -m benchmarks.explore [--validation]``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import time

from benchmarks.explore.measure import NAMES, Qualities, asked, ratio
from benchmarks.explore.movielens import at_one_moment, at_own_moments, ratings_of
from benchmarks.ranking.movielens import fetched
from benchmarks.report import machine, write

_MEASURES = ("recall@50", "NDCG@10")


def _table(qualities: Qualities) -> list[str]:
    lines = ["| | recall@50 | ÷ popularity | NDCG@10 | ÷ popularity |", "| --- | --- | --- | --- | --- |"]
    for name in NAMES:
        cells = []
        for measure in range(len(_MEASURES)):
            times, low, high = ratio(qualities, measure, name)
            cells.append(f"{qualities[name][:, measure].mean():.3f}")
            cells.append("1" if name == "popularity" else f"{times:.2f} ({low:.2f}–{high:.2f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _figures(qualities: Qualities) -> dict[str, object]:
    return {
        "accounts": len(qualities["explore"]),
        **{name: dict(zip(_MEASURES, map(float, qualities[name].mean(axis=0)), strict=True)) for name in NAMES},
        "ratios": {
            name: dict(zip(("value", "low", "high"), ratio(qualities, measure), strict=True))
            for measure, name in enumerate(_MEASURES)
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.explore", description=__doc__)
    parser.add_argument("--validation", action="store_true", help="only the accounts on which parameters are chosen")
    arguments = parser.parse_args()
    ratings = ratings_of(fetched())
    began = time.process_time()
    validation = asyncio.run(asked(ratings, at_own_moments(ratings, 0.6, 0.9)))
    if arguments.validation:
        print("\n".join(_table(validation)), f"{time.process_time() - began:.0f} s")
        return
    test = asyncio.run(asked(ratings, at_own_moments(ratings, 0.9, 1.0)))
    at_once = asyncio.run(asked(ratings, at_one_moment(ratings, 0.9, 1.0)))
    seconds = time.process_time() - began
    lines = [
        "# Explore beside popularity",
        "",
        "MovieLens 100k as posts, hashtags, authors and likes, split by time, as `benchmarks/explore` describes.",
        "Explore's candidates in their order, before the rules of a page. In brackets: 95 % of 2,000 draws of the",
        "accounts.",
        f"{machine()}, {seconds:.0f} s of a processor.",
        "",
        f"## As explore runs: {len(test['explore'])} accounts, each at its own moment in the last tenth of the time",
        "",
        *_table(test),
        "",
        f"## The same where parameters were chosen: {len(validation['explore'])} accounts, in the three tenths before",
        "",
        *_table(validation),
        "",
        f"## Nothing learnt during the last tenth: {len(at_once['explore'])} accounts, all asked when it begins",
        "",
        *_table(at_once),
    ]
    figures = {"test": _figures(test), "validation": _figures(validation), "at_one_moment": _figures(at_once)}
    print(write("explore", lines, {**figures, "cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
