"""Entries of an account's stream. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Entry", "Opened", "Position", "newest_of_each", "ordered", "position_of"]

Position = tuple[int, int]
"""The id of an entry, as numbers: they order entries, which text would not."""

_ID = re.compile(r"(\d{1,19})-(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """A group of the account changed."""

    id: str
    group_id: str
    removed: bool
    position: Position = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        milliseconds, _, number = self.id.partition("-")
        object.__setattr__(self, "position", (int(milliseconds), int(number)))


@dataclass(frozen=True, slots=True)
class Opened:
    """What a stream begins with. `known`: whether the client's position is in the log; then `entries` came after it."""

    known: bool
    last_id: str
    entries: tuple[Entry, ...]


def position_of(event_id: str) -> Position | None:
    """The position that an event id names; None for what is no id of ours."""
    found = _ID.fullmatch(event_id)
    return (int(found[1]), int(found[2])) if found else None


def newest_of_each(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The newest entry of each group: an entry says that a group changed, not how."""
    newest: dict[str, Entry] = {}
    for entry in entries:
        if entry.group_id not in newest or newest[entry.group_id].position < entry.position:
            newest[entry.group_id] = entry
    return newest


def ordered(entries: Mapping[str, Entry]) -> list[Entry]:
    return sorted(entries.values(), key=lambda entry: entry.position)
