"""Joins what was served with what was seen, and with what followed within a day.

Reads in this order: impressions, records of what was served, reactions. Position and features are those of the
server's record, and what apps say counts only where it names one. A viewer counts for so many posts at most, so that
nobody decides for others by being busy.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime
from itertools import count

import numpy as np

from photomesh_explore_trainer.domain.dataset import HEADS, Dataset
from photomesh_shared.events import FeedServed, ImpressionsRecorded
from photomesh_shared.packed_ids import unpack
from photomesh_shared.ranking.features import FEATURE_SCHEMA, FEATURES, unpack_features
from photomesh_shared.ranking.models import matrix

__all__ = ["LABEL_SECONDS", "Joiner"]

LABEL_SECONDS = 86_400.0
"""A reaction belongs to the latest order that showed the post, if that was within a day before."""
_DWELL_MS = 3_000
_OF_VIEWER = 500
_OF_REPORTS = 5_000_000


class Joiner:
    def __init__(self, erased: Collection[int] = (), *, surface: str = "home") -> None:
        """`erased`: accounts that left, whose records are in the topics until their retention ends."""
        self._erased = frozenset(erased)
        self._surface = surface
        self._seen: dict[tuple[int, str], dict[int, int]] = defaultdict(dict)
        self._reports = 0
        self._of_viewer: Counter[int] = Counter()
        self._joined: set[tuple[int, str]] = set()
        self._rows: list[tuple[float, ...]] = []
        self._columns: list[tuple[int, int, int, float, int, int]] = []
        self._models: list[str] = []
        self._labels: dict[str, set[int]] = {name: set() for name in HEADS}
        self._shown: dict[tuple[int, int], list[int]] = defaultdict(list)
        """Viewer and post → rows."""

    def add_impressions(self, event: ImpressionsRecorded) -> None:
        if event.account_id in self._erased:
            return
        for one in event.impressions:
            if one.request_id is None or self._reports >= _OF_REPORTS:
                continue
            posts = self._seen[event.account_id, one.request_id]
            self._reports += one.post_id not in posts
            posts[one.post_id] = max(posts.get(one.post_id, 0), one.dwell_ms or 0)

    def add_served(self, event: FeedServed) -> None:
        key = event.account_id, event.request_id
        seen = self._seen.get(key)
        known = event.feature_schema == FEATURE_SCHEMA and event.surface == self._surface
        if not seen or not known or key in self._joined:
            return
        posts, rows = unpack(event.post_ids), unpack_features(event.features)
        if len(posts) != len(rows):
            return
        self._joined.add(key)
        request = len(self._joined)
        # Suggested posts take places, and teach nothing: this ranking did not choose them.
        suggested = set(event.suggested_positions)
        positions = (position for position in count() if position not in suggested)
        for index, (position, post, features) in enumerate(zip(positions, posts, rows, strict=False)):
            if post not in seen or self._of_viewer[event.account_id] >= _OF_VIEWER:
                continue
            self._of_viewer[event.account_id] += 1
            row = len(self._rows)
            self._rows.append(features)
            swap = -1 if event.swap_position is None else index - event.swap_position
            place = swap if swap in (0, 1) else -1
            at = event.served_at.timestamp()
            self._columns.append((request, event.account_id, position, at, event.known_impressions, place))
            self._models.append(event.model)
            self._shown[event.account_id, post].append(row)
            if seen[post] >= _DWELL_MS:
                self._labels["dwell"].add(row)

    def add_reaction(self, head: str, account_id: int, post_id: int, at: datetime) -> None:
        """Idempotent."""
        rows = self._shown.get((account_id, post_id))
        if not rows:
            return
        moment = at.timestamp()
        before = [row for row in rows if 0 <= moment - self._columns[row][3] <= LABEL_SECONDS]
        if before:
            self._labels[head].add(max(before, key=lambda row: self._columns[row][3]))

    def dataset(self) -> Dataset:
        size = len(self._rows)
        columns = np.array(self._columns, dtype=np.float64).reshape(size, 6)
        viewers = np.array([one[1] for one in self._columns], dtype=np.int64)  # too large for a float

        def integers(column: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            return columns[:, column].astype(np.int64)

        def flags(rows: set[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
            found = np.zeros(size, dtype=np.bool_)
            found[list(rows)] = True
            return found

        return Dataset(
            requests=integers(0),
            viewers=viewers,
            positions=integers(2),
            served_at=columns[:, 3],
            known_impressions=integers(4),
            swaps=integers(5),
            rows=matrix(self._rows) if size else np.zeros((0, len(FEATURES))),
            labels={name: flags(rows) for name, rows in self._labels.items()},
            models=np.array(self._models, dtype=np.str_),
        )
