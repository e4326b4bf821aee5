"""Profiles, and the rules of refresh tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from photomesh_identity import domain
from photomesh_identity.domain import (
    Account,
    ProfileEdit,
    RefreshToken,
    Session,
    SessionLimits,
    Use,
    avatar_urls,
    edited,
    judge,
    new_refresh_token,
    successor_of,
    token_hash,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
LIMITS = SessionLimits(idle=timedelta(days=30), total=timedelta(days=180), grace=timedelta(seconds=10))
ADA = Account(1, "ada", "ada@example.com", "Ada", "", False, {150: "a/150.jpg"}, 3, NOW, NOW)


def test_an_edit_is_a_new_version() -> None:
    after = edited(ADA, ProfileEdit(bio="Numbers", private=True), None, LATER)
    assert after == replace(ADA, bio="Numbers", private=True, version=4, updated_at=LATER)


@pytest.mark.parametrize(
    "edit", [ProfileEdit(), ProfileEdit(display_name="Ada", bio="", private=False), ProfileEdit(display_name="Ada")]
)
def test_an_edit_that_changes_nothing_is_none(edit: ProfileEdit) -> None:
    assert edited(ADA, edit, None, LATER) is ADA


def test_avatars_come_and_go() -> None:
    assert edited(ADA, ProfileEdit(avatar_photo_id=7), {150: "b/150.jpg"}, LATER).avatar == {150: "b/150.jpg"}
    without = edited(ADA, ProfileEdit(remove_avatar=True), None, LATER)
    assert without.avatar is None
    assert edited(without, ProfileEdit(remove_avatar=True), None, LATER) is without
    assert avatar_urls(ADA, "http://cdn/variants") == {150: "http://cdn/variants/a/150.jpg"}
    assert avatar_urls(without, "http://cdn/variants") == {}


@pytest.mark.parametrize(
    ("text", "kept"),
    [(" Ada ", "Ada"), ("e\u0301", "é"), ("👩‍🚀 Ada", "👩‍🚀 Ada"), ("x" * 50, "x" * 50)],
)
def test_display_names_that_we_take(text: str, kept: str) -> None:
    assert domain.display_name(text) == kept


@pytest.mark.parametrize("text", ["", "  ", "x" * 51, "a\nb", "a\0b", "a\x7fb", "a\u202eb", "a\u2028b", "a\ud800b"])
def test_display_names_that_we_refuse(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        domain.display_name(text)


@given(st.text(max_size=350))
def test_what_is_kept_of_a_text_stays(text: str) -> None:
    for rule_ in (domain.bio, domain.display_name):
        try:
            kept = rule_(text)
        except ValueError:
            continue
        assert rule_(kept) == kept
        assert "\0" not in kept
        kept.encode()


def test_tokens_cannot_be_guessed_from_each_other() -> None:
    first = new_refresh_token()
    assert first != new_refresh_token()
    assert len(first) == len("rt_") + 43
    successor = successor_of(first, b"salt" * 8)
    assert successor == successor_of(first, b"salt" * 8)
    assert len({successor, successor_of(first, b"tlas" * 8), successor_of(successor, b"salt" * 8), first}) == 4
    assert len(successor) == len(first)
    assert len(token_hash(first)) == 32


def test_a_session_lives_by_its_use_and_ends_at_last() -> None:
    session = Session.begin(1, 1, LIMITS, NOW)
    assert session.expires_at == NOW + LIMITS.idle
    assert not session.over(NOW + LIMITS.idle - timedelta(seconds=1))
    assert session.over(NOW + LIMITS.idle)
    almost = NOW + LIMITS.total - timedelta(days=1)
    assert session.used(LIMITS, almost).expires_at == NOW + LIMITS.total
    assert replace(session, revoked_at=NOW).over(NOW)
    short = Session.begin(1, 1, replace(LIMITS, idle=timedelta(days=999)), NOW)
    assert short.expires_at == short.ends_at


@dataclass
class _Family:
    """A session with its tokens, as the store keeps them, and what it does with a token that somebody sends."""

    session: Session
    rows: dict[bytes, RefreshToken] = field(default_factory=dict)
    salts: int = 0

    def refresh(self, token: str, now: datetime) -> tuple[Use, str | None]:
        row = self.rows[token_hash(token)]
        use = judge(self.session, row, LIMITS, now)
        if use is Use.ROTATE:
            self.salts += 1
            salt = self.salts.to_bytes(32, "big")
            successor = successor_of(token, salt)
            self.rows = {key: replace(other, successor_salt=None) for key, other in self.rows.items()}
            self.rows[row.hash] = replace(row, rotated_at=now, successor_salt=salt)
            self.rows[token_hash(successor)] = RefreshToken(token_hash(successor), row.session_id)
            self.session = self.session.used(LIMITS, now)
            return use, successor
        if use is Use.REUSED:
            self.session = replace(self.session, revoked_at=now)
        return use, successor_of(token, row.successor_salt) if use is Use.REPEAT and row.successor_salt else None


class RotationMachine(RuleBasedStateMachine):
    """Two people, the owner and a thief, who both may send any token that either has ever seen, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.family = _Family(Session.begin(1, 1, LIMITS, NOW))
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
        over = self.family.session.over(self.now)
        rotated_at = self.family.rows[token_hash(self.chain[place])].rotated_at
        use, successor = self.family.refresh(self.chain[place], self.now)
        if over:
            assert use is Use.OVER
        elif place == len(self.chain) - 1:
            assert use is Use.ROTATE
            assert successor is not None
            self.chain.append(successor)
        elif place == len(self.chain) - 2 and rotated_at and self.now < rotated_at + LIMITS.grace:
            assert use is Use.REPEAT
            assert successor == self.chain[-1]
        else:
            assert use is Use.REUSED
            self.reused = True

    @invariant()
    def the_chain_never_forks(self) -> None:
        unused = [row for row in self.family.rows.values() if row.rotated_at is None]
        assert len(unused) == bool(self.chain)
        assert sum(row.successor_salt is not None for row in self.family.rows.values()) <= 1

    @invariant()
    def a_reuse_is_the_end(self) -> None:
        if self.reused:
            assert self.family.session.over(self.now)


TestRotation = RotationMachine.TestCase
TestRotation.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
