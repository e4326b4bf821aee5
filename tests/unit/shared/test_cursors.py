"""Signed cursors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.errors import InvalidCursor
from photomesh_shared.http.cursors import CursorCodec

CODEC = CursorCodec("secret")
_VALUES = st.lists(st.one_of(st.integers(-(2**63), 2**63), st.text()), max_size=4)


@given(st.text(), _VALUES)
def test_a_cursor_gives_back_what_it_holds(kind: str, values: list[int | str]) -> None:
    cursor = CODEC.encode(kind, values)
    assert CODEC.decode(kind, cursor) == values
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?% ")


@given(_VALUES, st.data())
def test_an_altered_cursor_is_refused(values: list[int | str], data: st.DataObject) -> None:
    cursor = CODEC.encode("list", values)
    place = data.draw(st.integers(0, len(cursor) - 2))  # the last letter may have bits that mean nothing
    letter = data.draw(st.sampled_from("ABCabc019-_"))
    altered = cursor[:place] + letter + cursor[place + 1 :]
    if altered != cursor:
        with pytest.raises(InvalidCursor):
            CODEC.decode("list", altered)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        CODEC.decode("list", text)


def test_a_cursor_belongs_to_one_list_and_one_secret() -> None:
    cursor = CODEC.encode("posts-by-author:u_1", [5])
    for codec, kind in ((CODEC, "posts-by-author:u_2"), (CursorCodec("other"), "posts-by-author:u_1")):
        with pytest.raises(InvalidCursor):
            codec.decode(kind, cursor)


def test_cursors_outlive_the_replacement_of_the_secret() -> None:
    cursor = CursorCodec("old", "new").encode("posts", [1])
    assert CursorCodec("new", "old").decode("posts", cursor) == [1]
    with pytest.raises(InvalidCursor):
        CursorCodec("new").decode("posts", cursor)
