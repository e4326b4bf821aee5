from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_feed.store import keys
from photomesh_shared.ids import MAX_ID

_IDS = st.integers(0, MAX_ID)


@given(st.lists(_IDS))
def test_packed_ids_come_back(ids: list[int]) -> None:
    packed = keys.pack(ids)
    assert packed == b"".join(value.to_bytes(8, "big") for value in ids)
    assert list(keys.unpack(packed)) == ids


def test_half_an_id_is_refused() -> None:
    with pytest.raises(ValueError):
        keys.unpack(b"\0" * 12)


@given(_IDS, _IDS)
def test_newer_posts_have_lower_scores_that_a_double_holds(one: int, other: int) -> None:
    newer, older = max(one, other), min(one, other)
    assert keys.score(newer) <= keys.score(older)
    assert int(float(keys.score(newer))) == keys.score(newer)
