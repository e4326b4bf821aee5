"""Rules of sessions and refresh tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from photomesh_identity.sessions.domain import (
    Client,
    RefreshToken,
    Session,
    SessionLimits,
    TokenUse,
    classify_use,
    client_of,
    new_refresh_token,
    successor_of,
    token_hash,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LIMITS = SessionLimits(idle=timedelta(days=30), total=timedelta(days=180), grace=timedelta(seconds=10))


def test_tokens_are_random_and_successors_need_the_salt() -> None:
    first = new_refresh_token()
    assert first != new_refresh_token()
    assert len(first) == len("rt_") + 43
    successor = successor_of(first, b"salt" * 8)
    assert successor == successor_of(first, b"salt" * 8)
    assert len({successor, successor_of(first, b"tlas" * 8), successor_of(successor, b"salt" * 8), first}) == 4
    assert len(successor) == len(first)
    assert len(token_hash(first)) == 32


def test_uses_extend_a_session_up_to_its_maximum_lifetime() -> None:
    session = Session.start(1, 1, LIMITS, NOW)
    assert session.expires_at == NOW + LIMITS.idle
    assert not session.has_ended(NOW + LIMITS.idle - timedelta(seconds=1))
    assert session.has_ended(NOW + LIMITS.idle)
    almost = NOW + LIMITS.total - timedelta(days=1)
    assert session.extended(LIMITS, almost).expires_at == NOW + LIMITS.total
    assert replace(session, revoked_at=NOW).has_ended(NOW)
    short = Session.start(1, 1, replace(LIMITS, idle=timedelta(days=999)), NOW)
    assert short.expires_at == short.ends_at


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        ("curl/8.9.1", "curl"),
        ("Photomesh/3.2 (iPhone; CPU iPhone OS 18_1)", "Photomesh on iOS"),
        ("Photomesh-Sync/1.2", "Photomesh-Sync"),
        ("<script>", ""),
        ("", ""),
        ("x" * 10_000, "x" * 60),
    ],
)
def test_the_name_of_a_client(user_agent: str, name: str) -> None:
    assert client_of(user_agent, "") == Client(name, None)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("unix", None),
        ("", None),
        ("203.0.113.77, 203.0.113.78", None),
    ],
)
def test_no_more_than_the_network_of_an_address_is_kept(address: str, network: str | None) -> None:
    assert client_of("", address).network == network


@dataclass
class _Family:
    """A session with its tokens, as the store holds them."""

    session: Session
    rows: dict[bytes, RefreshToken] = field(default_factory=dict)
    salts: int = 0

    def refresh(self, token: str, now: datetime) -> tuple[TokenUse, str | None]:
        row = self.rows[token_hash(token)]
        use = classify_use(self.session, row, LIMITS, now)
        if use is TokenUse.ROTATE:
            self.salts += 1
            salt = self.salts.to_bytes(32, "big")
            successor = successor_of(token, salt)
            self.rows = {key: replace(other, successor_salt=None) for key, other in self.rows.items()}
            self.rows[row.hash] = replace(row, rotated_at=now, successor_salt=salt)
            self.rows[token_hash(successor)] = RefreshToken(token_hash(successor), row.session_id)
            self.session = self.session.extended(LIMITS, now)
            return use, successor
        if use is TokenUse.REUSED:
            self.session = replace(self.session, revoked_at=now)
        return use, successor_of(token, row.successor_salt) if use is TokenUse.REPEAT and row.successor_salt else None


class RotationMachine(RuleBasedStateMachine):
    """The owner and a thief may each send any token of the chain at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.family = _Family(Session.start(1, 1, LIMITS, NOW))
        self.chain: list[str] = []
        self.reused = False

    @initialize()
    def log_in(self) -> None:
        first = new_refresh_token()
        self.family.rows[token_hash(first)] = RefreshToken(token_hash(first), 1)
        self.chain = [first]

    @rule(seconds=st.sampled_from([0.0, 1.0, 9.0, 10.0, 11.0, 900.0, 86_400.0 * 29]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.chain)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.chain) - 1))
        ended = self.family.session.has_ended(self.now)
        rotated_at = self.family.rows[token_hash(self.chain[place])].rotated_at
        use, successor = self.family.refresh(self.chain[place], self.now)
        if ended:
            assert use is TokenUse.OVER
        elif place == len(self.chain) - 1:
            assert use is TokenUse.ROTATE
            assert successor is not None
            self.chain.append(successor)
        elif place == len(self.chain) - 2 and rotated_at and self.now < rotated_at + LIMITS.grace:
            assert use is TokenUse.REPEAT
            assert successor == self.chain[-1]
        else:
            assert use is TokenUse.REUSED
            self.reused = True

    @invariant()
    def the_chain_never_forks(self) -> None:
        unused = [row for row in self.family.rows.values() if row.rotated_at is None]
        assert len(unused) == bool(self.chain)
        assert sum(row.successor_salt is not None for row in self.family.rows.values()) <= 1

    @invariant()
    def a_reuse_ends_the_session(self) -> None:
        if self.reused:
            assert self.family.session.has_ended(self.now)


TestRotation = RotationMachine.TestCase
TestRotation.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
