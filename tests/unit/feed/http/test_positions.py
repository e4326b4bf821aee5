from __future__ import annotations

import json

import pytest

from photomesh_feed.domain.pages import AfterPost, AfterRanked, Position
from photomesh_feed.http.positions import cursor_kind, from_values, to_values
from photomesh_shared.errors import InvalidCursor
from photomesh_shared.http.cursors import CursorCodec


@pytest.mark.parametrize("position", [AfterPost(1 << 62), AfterRanked("Zk3vQ0m1", 20, 1 << 62), AfterRanked("x", 1, 0)])
def test_position_survives_a_cursor(position: Position) -> None:
    values = to_values(position)
    assert values is not None
    found = from_values(json.loads(json.dumps(values)))
    assert found == position
    assert type(found) is type(position)


def test_end_has_no_cursor() -> None:
    assert to_values(None) is None
    assert from_values(None) is None


def test_cursors_of_earlier_versions_are_understood() -> None:
    assert from_values(["behind", 5]) == AfterPost(5)
    assert from_values(["in-order", "name", 3, 7]) == AfterRanked("name", 3, 7)


def test_cursor_is_valid_for_its_owner_and_mode_only() -> None:
    codec = CursorCodec("secret")
    cursor = codec.encode(cursor_kind("ranked", 1), ["behind", 5])
    assert codec.decode(cursor_kind("ranked", 1), cursor) == ["behind", 5]
    for kind in (cursor_kind("chronological", 1), cursor_kind("ranked", 2)):
        with pytest.raises(InvalidCursor):
            codec.decode(kind, cursor)
