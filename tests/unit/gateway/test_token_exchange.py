"""The gateway's exchange of personal access tokens."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_gateway.token_exchange import TokenExchanger, personal_token_of
from photomesh_shared.errors import InvalidToken, Unavailable
from photomesh_shared.internal_api.identity import ExchangedToken
from photomesh_shared.tokens.personal import is_well_formed, new_token
from tests.support.clock import FakeClock


class Identity:
    """Knows the tokens of `known`."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.asked = 0
        self.away = False

    async def exchange(self, token: str) -> ExchangedToken:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable
        known = token in self.known
        return ExchangedToken(access_token=f"jwt {self.asked}" if known else None, expires_in=120 if known else 0)


@pytest.fixture
def identity() -> Identity:
    return Identity()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(identity: Identity, clock: FakeClock) -> TokenExchanger:
    return TokenExchanger(identity, clock)


async def test_a_token_costs_one_call_a_minute(identity: Identity, clock: FakeClock, tokens: TokenExchanger) -> None:
    token = new_token()
    identity.known.add(token)
    assert not tokens.known(token)
    await asyncio.gather(*(tokens.access_token(token) for _ in range(20)))
    assert identity.asked <= 2  # the second one for those that came while the first was under way
    assert tokens.known(token)
    kept = await tokens.access_token(token)
    await clock.advance(59)
    assert await tokens.access_token(token) == kept
    await clock.advance(1)
    assert not tokens.known(token)
    assert await tokens.access_token(token) != kept
    identity.known.clear()
    await clock.advance(60)
    with pytest.raises(InvalidToken):
        await tokens.access_token(token)


async def test_unknown_tokens_are_remembered_too(identity: Identity, tokens: TokenExchanger) -> None:
    token = new_token()
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await tokens.access_token(token)
    assert identity.asked == 1


async def test_an_outage_is_not_remembered(identity: Identity, tokens: TokenExchanger) -> None:
    token = new_token()
    identity.known.add(token)
    identity.away = True
    with pytest.raises(Unavailable):
        await tokens.access_token(token)
    identity.away = False
    assert await tokens.access_token(token)


async def test_what_has_no_checksum_is_refused_without_a_call(identity: Identity, tokens: TokenExchanger) -> None:
    token = new_token()
    for junk in ("pt_", "pt_" + "A" * 50, token[:-1] + ("0" if token[-1] != "0" else "1"), token + "a", "pt_ü"):
        with pytest.raises(InvalidToken):
            tokens.known(junk)
    assert identity.asked == 0


@given(st.text())
def test_random_text_is_no_token(text: str) -> None:
    assert not is_well_formed("pt_" + text)


def test_which_headers_have_a_personal_token() -> None:
    assert personal_token_of("Bearer pt_x") == "pt_x"
    assert personal_token_of("bearer  pt_x ") == "pt_x"
    for other in ("Bearer eyJ", "Basic pt_x", "pt_x", "", "Bearer"):
        assert personal_token_of(other) is None
    assert len({new_token() for _ in range(99)}) == 99
    assert all(is_well_formed(new_token()) for _ in range(99))
