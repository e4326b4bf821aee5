"""What owners and accounts do to endpoints."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from photomesh_webhook.endpoints.domain import Audience, DisabledReason, Edit, Endpoint, Ordering, State

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
ENDPOINT = Endpoint(
    id=1,
    account_id=2,
    audience=Audience.OWN,
    url="https://hooks.example.com/",
    types=("photomesh.post.*",),
    ordering=Ordering.SUBJECT,
    description="",
    state=State.ENABLED,
    disabled_reason=None,
    version=7,
    created_at=NOW,
    updated_at=NOW,
)


def test_a_disabled_endpoint_has_the_topics_as_its_backlog() -> None:
    disabled = ENDPOINT.edited(Edit(enabled=False), LATER)
    assert (disabled.state, disabled.disabled_reason, disabled.behind) == (State.DISABLED, DisabledReason.OWNER, True)
    assert disabled.version > ENDPOINT.version
    assert disabled.updated_at == LATER


def test_one_that_is_disabled_keeps_its_first_reason() -> None:
    disabled = ENDPOINT.disable(DisabledReason.GONE, NOW)
    assert disabled.disable(DisabledReason.ACCOUNT, LATER) is disabled


def test_enabling_forgets_failures_and_catches_up() -> None:
    failing = replace(
        ENDPOINT.disable(DisabledReason.FAILING, NOW), failing_since=NOW, next_probe_at=LATER + timedelta(hours=1)
    )
    enabled = failing.edited(Edit(enabled=True), LATER)
    assert (enabled.state, enabled.disabled_reason) == (State.ENABLED, None)
    assert (enabled.failing_since, enabled.next_probe_at, enabled.behind) == (None, None, True)


def test_another_url_is_tried_at_once() -> None:
    failing = replace(ENDPOINT, failing_since=NOW, next_probe_at=LATER)
    moved = failing.edited(Edit(url="https://hooks.example.com/2"), LATER)
    assert (moved.failing_since, moved.next_probe_at) == (None, None)
    described = failing.edited(Edit(description="mine"), LATER)
    assert described.failing_since == NOW


def test_what_says_the_same_changes_nothing() -> None:
    same = Edit(url=ENDPOINT.url, types=ENDPOINT.types, ordering=Ordering.SUBJECT, description="", enabled=True)
    assert ENDPOINT.edited(same, LATER) is ENDPOINT
    assert ENDPOINT.edited(Edit(), LATER) is ENDPOINT


def test_a_replay_is_another_round() -> None:
    replayed = replace(ENDPOINT, gap=True).replayed(LATER, gap=False)
    assert (replayed.round, replayed.behind, replayed.gap) == (1, True, False)
