from __future__ import annotations

import pytest
from pydantic import ValidationError

from photomesh_shared.ranking.rollout import Pointer, trained_at
from tests.support.models import MADE_AT, model_body, name_of, pointer

NAME, OTHER = name_of(model_body()), "20261122T020000Z-0123456789ab"


def test_a_share_of_the_accounts_is_the_candidates_and_stays_so() -> None:
    few, many = pointer(NAME, share=0.05), pointer(NAME, share=0.95)
    accounts = range(10_000)
    taken = {account for account in accounts if few.takes_candidate(account)}
    assert 400 < len(taken) < 600
    assert taken <= {account for account in accounts if many.takes_candidate(account)}
    other = {account for account in accounts if pointer(OTHER, share=0.05).takes_candidate(account)}
    assert len(taken & other) < 60, "not always the same people try new models"


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nobody_and_everybody(share: float) -> None:
    assert {pointer(NAME, share=share).takes_candidate(account) for account in range(1_000)} == {share == 1.0}
    assert not pointer(None, share=share).takes_candidate(1)


def test_a_pointer_is_read_as_it_was_written() -> None:
    written = pointer(NAME, OTHER, share=0.05)
    assert Pointer.model_validate_json(written.encode()) == written


@pytest.mark.parametrize("name", ["../secrets", "20261121T020000Z-3f9c", "", "20261121T020000Z-3f9c1a7be04d/.."])
def test_names_that_are_no_names(name: str) -> None:
    with pytest.raises(ValidationError):
        pointer(name)


def test_a_name_says_when_the_model_was_trained() -> None:
    assert trained_at(NAME) == MADE_AT
