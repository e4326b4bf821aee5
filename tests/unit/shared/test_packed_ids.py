"""Lists of ids as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.ids import MAX_ID
from photomesh_shared.packed_ids import pack, unpack


@given(st.lists(st.integers(0, MAX_ID)))
def test_ids_survive_packing(ids: list[int]) -> None:
    packed = pack(ids)
    assert packed == b"".join(value.to_bytes(8, "big") for value in ids)
    assert list(unpack(packed)) == ids


def test_half_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        unpack(b"\0" * 12)
