"""Positions as the values of a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from photomesh_feed.domain.pages import AfterPost, AfterRanked, Mode, Position
from photomesh_shared.ids import encode

__all__ = ["cursor_kind", "from_values", "to_values"]

_AFTER_POST, _AFTER_RANKED = "behind", "in-order"


def cursor_kind(mode: Mode, account_id: int) -> str:
    """A cursor is valid for its owner and mode only."""
    return f"feed:{mode}:{encode('u', account_id)}"


def to_values(position: Position | None) -> list[int | str] | None:
    if position is None:
        return None
    return [_AFTER_POST if isinstance(position, AfterPost) else _AFTER_RANKED, *position]


def from_values(values: Sequence[Any] | None) -> Position | None:
    """Takes the values of a verified cursor, as `to_values` returned them."""
    if values is None:
        return None
    kind, *fields = values
    return AfterPost(*fields) if kind == _AFTER_POST else AfterRanked(*fields)
