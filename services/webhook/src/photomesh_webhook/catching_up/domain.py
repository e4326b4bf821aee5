"""What an endpoint has not got as rows, and a piece of its topic. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from photomesh_webhook.matching.domain import Heard

__all__ = ["Chunk", "Cursor", "Stored"]


@dataclass(frozen=True)
class Cursor:
    """From where on an endpoint has not got the events of a partition."""

    topic: str
    partition: int
    next_offset: int


@dataclass(frozen=True)
class Chunk:
    """Events of a partition from a cursor on. `next_offset`: where the next chunk begins; `gap`: the topic no longer
    has what the cursor points at."""

    events: Sequence[Heard]
    next_offset: int
    gap: bool


@dataclass(frozen=True)
class Stored:
    """How many rows a chunk became, and whether nothing is left of its partition."""

    rows: int
    ended: bool
