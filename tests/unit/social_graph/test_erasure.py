"""The erasure of an account ends everything between it and others, once, wherever it is interrupted."""

from __future__ import annotations

from collections import Counter

import pytest

from photomesh_shared.events import AccountErasureRequested, Envelope
from photomesh_shared.failpoints import FailpointReached, configure
from photomesh_social_graph.event_handlers import AccountEraser, AccountEventHandlers
from photomesh_social_graph.service import RelationshipService
from tests.support.clock import FakeClock
from tests.support.social_graph import InMemoryGraph, InMemoryReaders, account_event

ADA, GRACE, JOAN, LINUS, PRIVATE = 1, 2, 3, 4, 5
REQUEST = Envelope.of(
    AccountErasureRequested.example().model_copy(update={"user_id": ADA}), entityversion=1 << 52, id="request"
)


class NoCloseFriends:
    """The real lists are in `tests/integration/social_graph/test_close_friends.py`."""

    async def erase(self, account_id: int) -> int:
        return 0


async def graph() -> tuple[InMemoryGraph, RelationshipService]:
    store, clock = InMemoryGraph(), FakeClock()
    handlers = AccountEventHandlers(store, clock)
    for number in (ADA, GRACE, JOAN, LINUS, PRIVATE):
        await handlers.account_changed(account_event(number, private=number == PRIVATE))
    service = RelationshipService(store, InMemoryReaders(), clock, following_limit=100, account_wait_seconds=0)
    await service.follow(ADA, GRACE)
    await service.follow(GRACE, ADA)
    await service.follow(ADA, PRIVATE)
    await service.mute(JOAN, ADA)
    await service.mute(ADA, JOAN)
    await service.block(LINUS, ADA)
    await service.follow(GRACE, JOAN)
    store.events.clear()
    return store, service


def ends(store: InMemoryGraph) -> Counter[str]:
    return Counter(event.data.type_.removeprefix("photomesh.") for event in store.events)


ENDS = {"follow.deleted.v1": 2, "follow.request-closed.v1": 1, "mute.deleted.v1": 2, "block.deleted.v1": 1}


@pytest.mark.parametrize("failpoint", ["", "social-graph.between_ends@2", "social-graph.before_rows_are_erased"])
async def test_everything_ends_once_wherever_it_is_interrupted(failpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photomesh_social_graph.event_handlers._ERASED_TOGETHER", 2)
    store, _ = await graph()
    eraser = AccountEraser(store, NoCloseFriends(), FakeClock())
    if failpoint:
        name, _, hit = failpoint.partition("@")
        action = f"{name}=raise@{hit}" if hit else f"{name}=raise"
        configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": action})
        with pytest.raises(FailpointReached):
            await eraser.erase(REQUEST)
        configure({})
    erased = await eraser.erase(REQUEST)
    assert erased.counts["pairs"] == len([GRACE, PRIVATE, JOAN, LINUS]) * 2
    assert ends(store) == ENDS
    assert [pair for pair in store.sides if ADA in pair] == []
    assert store.sides[GRACE, JOAN].followed_at
    again = await eraser.erase(REQUEST)
    assert dict(again.counts) == {"pairs": 0, "close_friends": 0}
    assert ends(store) == ENDS


async def test_nothing_late_brings_an_erased_account_back() -> None:
    store, service = await graph()
    await AccountEraser(store, NoCloseFriends(), FakeClock()).erase(REQUEST)
    await AccountEventHandlers(store, FakeClock()).account_changed(account_event(ADA, version=9))
    account, _ = store.known[ADA]
    assert (account.username, account.hidden) == ("", True)
    for actor, target in ((GRACE, ADA), (ADA, GRACE)):
        with pytest.raises(Exception, match="account"):
            await service.follow(actor, target)
    assert not [pair for pair, side in store.sides.items() if ADA in pair and side.followed_at]


async def test_an_account_that_was_never_known_is_erased_before_it_arrives() -> None:
    store = InMemoryGraph()
    erased = await AccountEraser(store, NoCloseFriends(), FakeClock()).erase(REQUEST)
    assert erased.counts["pairs"] == 0
    await AccountEventHandlers(store, FakeClock()).account_changed(account_event(ADA))
    assert store.known[ADA][0].hidden
