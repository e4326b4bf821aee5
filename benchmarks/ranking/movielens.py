"""MovieLens 100k as feeds. The files come with the package recbole, and are kept outside the repository."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import datasets
from photomesh_explore_trainer.domain.dataset import HEADS, Dataset
from photomesh_explore_trainer.learning.training import weighted
from photomesh_shared.ranking.models import Floats, matrix

__all__ = ["PAGE", "Pages", "fetched", "lines_of", "pages_of", "served"]

PAGE = 20
_PACKAGE = "recbole==1.2.1"
_FILE = "recbole/dataset_example/ml-100k/ml-100k.inter"
_DAY = 86_400.0
_LIKED = 4
_REACTS = np.array([0.0, 0.02, 0.04, 0.10, 0.35, 0.70])
"""How likely somebody who looks at a film reacts, by the stars that they gave it."""


class Pages(NamedTuple):
    """Films that an account rated one after another, 20 to a page."""

    rows: Floats
    relevance: Floats
    requests: np.ndarray[tuple[int], np.dtype[np.int64]]
    viewers: np.ndarray[tuple[int], np.dtype[np.int64]]
    served_at: Floats
    known: np.ndarray[tuple[int], np.dtype[np.int64]]


def fetched() -> Path:
    """Return the folder of the files; downloads them once."""
    return datasets.fetched(_PACKAGE, _FILE).parent


def lines_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of one of the files, by the names of its columns."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    names = [name.partition(":")[0] for name in rows[0]]
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def pages_of(folder: Path) -> Pages:
    """Go through the ratings by time, and compute what feed would have known before each page."""
    films = {one["item_id"]: one for one in lines_of(folder / "ml-100k.item")}
    ratings = sorted(lines_of(folder / "ml-100k.inter"), key=lambda one: (float(one["timestamp"]), one["user_id"]))
    likes: Counter[str] = Counter()
    rated: Counter[str] = Counter()
    first: dict[str, float] = {}
    likes_author: Counter[tuple[str, str]] = Counter()
    tastes: defaultdict[str, list[list[str]]] = defaultdict(list)
    seen: Counter[str] = Counter()
    waiting: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    rows: list[list[float]] = []
    columns: list[tuple[float, int, int, float, int]] = []
    requests = 0
    for one in ratings:
        user, film, at = one["user_id"], one["item_id"], float(one["timestamp"])
        waiting[user].append((film, round(float(one["rating"]))))
        if len(waiting[user]) < PAGE:
            continue
        page = waiting.pop(user)
        requests += 1
        taste = Counter(tag for tags in tastes[user][-50:] for tag in tags)
        authors = {name: _author(films[name]) for name, _ in page}
        totals: defaultdict[str, list[int]] = defaultdict(list)
        for name, _ in page:
            totals[authors[name]].append(likes[name])
        for name, stars in page:
            hours = max(0.0, at - first.get(name, at)) / 3_600
            author = totals[authors[name]]
            rows.append(
                [
                    _squashed(likes_author[user, authors[name]], 5),
                    _squashed(likes[name] * 24 / max(hours, 24), 5),
                    0.5 ** (hours / 24 / 30),
                    _squashed(sum(taste[tag] for tag in films[name]["class"].split()), 20),
                    _squashed(sum(author) / len(author), 20),
                    np.log1p(likes[name]),
                    np.log1p(rated[name]),
                    np.log1p(hours),
                ]
            )
            columns.append((float(_REACTS[stars]), requests, int(user), at, seen[user]))
        for name, stars in page:
            first.setdefault(name, at)
            rated[name] += 1
            seen[user] += 1
            if stars >= _LIKED:
                likes[name] += 1
                likes_author[user, authors[name]] += 1
                tastes[user].append(films[name]["class"].split())
    relevance, request, viewer, served_at, known = (np.array(column) for column in zip(*columns, strict=True))
    return Pages(matrix(rows), relevance, request, viewer, served_at, known)


def _author(film: dict[str, str]) -> str:
    """Films have no authors here: those of a decade and a first genre count as one's."""
    return f"{film['release_year'][:3]} {film['class'].split()[0] if film['class'] else ''}"


def _squashed(value: float, usual: float) -> float:
    return value / (value + usual)


def served(pages: Pages, curve: Floats, *, seed: int, rounds: int, swapped: float = 0.01) -> Dataset:
    """Serve each page some times in the order of the weights, and draw who looks, by the curve, and who reacts."""
    random = np.random.default_rng(seed)
    shape = (rounds * len(pages.requests) // PAGE, PAGE)
    scores = np.tile(weighted(pages.rows), rounds).reshape(shape)
    order = np.argsort(-scores, axis=1, kind="stable")
    swaps = np.full(shape, -1)
    for request in np.flatnonzero(random.random(shape[0]) < swapped):
        place = int(random.integers(PAGE - 1))
        swaps[request, place : place + 2] = (0, 1)
        if random.random() < 0.5:
            order[request, [place, place + 1]] = order[request, [place + 1, place]]
    positions = np.empty(shape, dtype=np.int64)
    np.put_along_axis(positions, order, np.broadcast_to(np.arange(PAGE), shape), axis=1)
    flat = positions.ravel()
    reacted = random.random(len(flat)) < np.tile(pages.relevance, rounds) * curve[flat]
    return Dataset(
        requests=np.repeat(np.arange(shape[0]), PAGE),
        viewers=np.tile(pages.viewers, rounds),
        positions=flat,
        served_at=np.tile(pages.served_at, rounds),
        known_impressions=np.tile(pages.known, rounds),
        swaps=np.take_along_axis(swaps, positions, axis=1).ravel(),
        rows=np.tile(pages.rows, (rounds, 1)),
        labels={name: reacted if name == "like" else np.zeros(len(flat), dtype=np.bool_) for name in HEADS},
        models=np.full(len(flat), "weights"),
    )
