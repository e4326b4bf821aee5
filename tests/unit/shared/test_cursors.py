"""Signed cursors."""

from __future__ import annotations

import pytest
from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from photomesh_shared.errors import InvalidCursor
from photomesh_shared.http.cursors import CursorCodec, Page, link_next

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


def _request(query: str) -> Request:
    scope = {"type": "http", "method": "GET", "path": "/v1/posts", "query_string": query.encode(), "headers": []}
    return Request(scope | {"server": ("service", 80), "scheme": "http", "root_path": ""})


def test_the_link_keeps_the_rest_of_the_query() -> None:
    response = Response()
    link_next(_request("limit=5&cursor=old"), response, "https://api.example", "new")
    assert response.headers["link"] == '<https://api.example/v1/posts?limit=5&cursor=new>; rel="next"'
    last = Response()
    link_next(_request("limit=5"), last, "https://api.example", None)
    assert "link" not in last.headers


def test_a_page_says_when_it_is_the_last() -> None:
    assert Page[int](items=[1]).model_dump() == {"items": [1], "next_cursor": None}
