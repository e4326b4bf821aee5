from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from photomesh_feed.store import keys
from photomesh_shared.ids import MAX_ID

_IDS = st.integers(0, MAX_ID)


@given(_IDS, _IDS)
def test_newer_posts_have_lower_scores_that_fit_a_double(one: int, other: int) -> None:
    newer, older = max(one, other), min(one, other)
    assert keys.score(newer) <= keys.score(older)
    assert int(float(keys.score(newer))) == keys.score(newer)
