"""When devices hear of something, and what a push service's answer means. Pure.

What is pushed together is a **stack**: all groups of likes of one post, all comments on it, the follows of a day. A
stack has a window, which gathers what comes together, and pauses between its pushes, which grow.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from photomesh_shared import ids

__all__ = [
    "MAX_RETRY_AFTER",
    "MAX_SUBSCRIPTIONS",
    "QUARANTINE",
    "SHARDS",
    "Hint",
    "Outcome",
    "Pending",
    "StackState",
    "Subscription",
    "Verdict",
    "Windows",
    "classify",
    "earliest_push",
    "is_news",
    "kind_of",
    "lifetime",
    "pushed",
    "pushes_before",
    "retry_at",
    "shard_of",
    "stack_of",
    "subscription_id",
    "topic_of",
    "urgency_of",
]

SHARDS = 16
MAX_SUBSCRIPTIONS = 10
QUARANTINE = timedelta(hours=6)
"""How long a subscription rests that a push service refuses. It may be our fault, so it is never deleted for that."""

_PAUSES = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""After the first push of a stack, the second, the third and each further one."""
_LIFETIME = timedelta(days=1)
_LIFETIME_OF_REQUESTS = timedelta(days=7)
_GROWING = frozenset({"like", "comment_like", "follow", "story_reply"})
"""Kinds whose groups grow: an update is news only if its newest actor is newer than what was pushed."""
_PERSONAL = frozenset({"comment", "reply", "mention", "follow_request", "story_reply"})
"""Somebody turns to the recipient. Once the recipient has looked, their pauses begin again."""
_OF_POST = frozenset({"like", "comment", "reply", "mention"})
_FIRST_RETRY, _LAST_RETRY = timedelta(seconds=30), timedelta(minutes=30)
MAX_RETRY_AFTER = timedelta(hours=6)


@dataclass(frozen=True)
class Subscription:
    """A device of an account. `quarantined_until`: the push service refused it."""

    account_id: int
    id: int
    endpoint: str
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)
    session_id: int
    registered_at: datetime
    quarantined_until: datetime | None = None


@dataclass(frozen=True)
class Pending:
    """A group that devices have not heard of as it is now."""

    group_id: str
    stack: str
    kind: str
    version: int
    changed_at: datetime


@dataclass(frozen=True)
class StackState:
    """What was pushed of a stack. `told`: by growing group, when what was pushed had changed. Of the last push,
    `through`: its newest change; `content`: its groups with their versions; `owed`: by subscription that has not got
    it yet, when to try."""

    pushes: int = 0
    pushed_at: datetime | None = None
    through: datetime | None = None
    told: Mapping[str, datetime] = field(default_factory=dict)
    content: Mapping[str, int] = field(default_factory=dict)
    owed: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Hint:
    """A stack must be looked at then. Extra hints do no harm: what there is to do follows from the stack."""

    due: datetime
    account_id: int
    stack: str


def stack_of(kind: str, group_id: str, post_id: int | None) -> str:
    """The stack that a group is pushed with."""
    if kind in _OF_POST and post_id is not None:
        return f"{kind}.{ids.encode('o', post_id)}"
    if kind == "comment_like":
        return group_id.rpartition(".")[0]  # without the bucket
    if kind in ("follow_request", "follow_accepted"):
        return kind
    return group_id


def kind_of(stack: str) -> str:
    return stack.partition(".")[0]


@dataclass(frozen=True)
class Windows:
    """How long to gather after the first event; `personal`: of kinds in which somebody turns to the recipient."""

    usual: timedelta = timedelta(seconds=45)
    personal: timedelta = timedelta(seconds=30)

    def of(self, kind: str) -> timedelta:
        return self.personal if kind in _PERSONAL else self.usual


def lifetime(kind: str) -> timedelta:
    """After that, nobody's device hears of it any more; also the TTL of pushes."""
    return _LIFETIME_OF_REQUESTS if kind == "follow_request" else _LIFETIME


def is_news(pending: Pending, state: StackState, seen_at: datetime, now: datetime) -> bool:
    """Whether devices should hear of a group: it has changed since its account saw its list, not too long ago, and, of
    growing groups, by more than somebody leaving it."""
    if state.content.get(pending.group_id, -1) >= pending.version:
        return False
    if pending.changed_at <= seen_at or now - pending.changed_at > lifetime(pending.kind):
        return False
    told = state.told.get(pending.group_id) if pending.kind in _GROWING else None
    return told is None or pending.changed_at > told


def pushes_before(kind: str, state: StackState, seen_at: datetime) -> int:
    """How many pushes count for the next pause."""
    looked = state.through is not None and seen_at >= state.through
    return 0 if looked and kind in _PERSONAL else state.pushes


def earliest_push(kind: str, state: StackState, seen_at: datetime) -> datetime:
    """When a stack may be pushed again: at once, or after a pause that grows with each push."""
    pushes = pushes_before(kind, state, seen_at)
    if state.pushed_at is None or not pushes:
        return datetime.min.replace(tzinfo=UTC)
    return state.pushed_at + _PAUSES[min(pushes, len(_PAUSES)) - 1]


def pushed(
    kind: str,
    state: StackState,
    news: Collection[Pending],
    owed: Mapping[int, datetime],
    seen_at: datetime,
    now: datetime,
) -> StackState:
    """The state of a stack when a push begins."""
    told = {one.group_id: one.changed_at for one in news} if kind in _GROWING else {}
    return StackState(
        pushes=pushes_before(kind, state, seen_at) + 1,
        pushed_at=now,
        through=max(one.changed_at for one in news),
        told={**state.told, **told},
        content={one.group_id: one.version for one in news},
        owed=owed,
    )


def retry_at(pushed_at: datetime, now: datetime, retry_after: timedelta | None) -> datetime:
    """When to try a device again whose push service did not take a push: as it says, or after as long as it has been
    tried already."""
    backoff = min(max(now - pushed_at, _FIRST_RETRY), _LAST_RETRY)
    return now + max(backoff, min(retry_after or timedelta(), MAX_RETRY_AFTER))


def shard_of(account_id: int) -> int:
    """By the time of the id, as its low bits are mostly zero."""
    return (account_id >> 22) % SHARDS


def subscription_id(endpoint: str) -> int:
    """Registering an endpoint again gives the same id."""
    return int.from_bytes(hashlib.sha256(endpoint.encode()).digest()[:8], "big") >> 1


_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def topic_of(secret: bytes, account_id: int, stack: str) -> str:
    """The Topic and tag of a stack: a push that is not delivered yet, or still shown, is replaced by the next. 24
    letters and digits, which every push service takes; keyed, so that a push service cannot tell of what it is."""
    digest = hmac.digest(secret, f"{account_id}:{stack}".encode(), hashlib.sha256)
    number = int.from_bytes(digest, "big")
    letters: list[str] = []
    for _ in range(24):
        number, digit = divmod(number, 62)
        letters.append(_BASE62[digit])
    return "".join(letters)


def urgency_of(kind: str) -> str:
    """RFC 8030: whether it may wake a device that saves power."""
    return "low" if kind in _GROWING - {"follow"} else "normal"


class Outcome(StrEnum):
    """What became of sending a push to a device."""

    ACCEPTED = "accepted"
    GONE = "gone"
    """The subscription has ended: it is deleted."""
    TOO_LARGE = "too_large"
    LATER = "later"
    """The push service is overloaded or does not answer: it is tried again."""
    REFUSED = "refused"
    """The push service refuses us, or its address must not be called: the subscription rests, and an alert fires."""


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    retry_after: timedelta | None = None


def classify(status: int, wait: timedelta | None = None) -> Verdict:
    """What a push service's answer means. `wait`: that it asks for. Only 404 and 410 end a subscription."""
    if 200 <= status < 300:
        return Verdict(Outcome.ACCEPTED)
    match status:
        case 404 | 410:
            return Verdict(Outcome.GONE)
        case 413:
            return Verdict(Outcome.TOO_LARGE)
        case 408 | 425 | 429:
            return Verdict(Outcome.LATER, wait)
    if status >= 500:
        return Verdict(Outcome.LATER, wait)
    return Verdict(Outcome.REFUSED)
