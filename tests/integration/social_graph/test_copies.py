"""The copies of accounts are repaired towards identity's newer states, and pairs are given to those who copy them."""

from __future__ import annotations

from collections.abc import Mapping

from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api.states import OwnedAccount
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.event_handlers import AccountCopies, AccountEventHandlers
from photomesh_social_graph.store import PostgresGraph
from photomesh_social_graph.store.copy_progress import PostgresCopyProgress
from tests.integration.social_graph.api_users import ApiUsers
from tests.support.social_graph import account_event


async def test_accounts(users: ApiUsers, store: PostgresGraph) -> None:
    ada, grace, joan = await users.new_users(3)
    handlers = AccountEventHandlers(store, SystemClock())
    await handlers.account_changed(account_event(ada.number, private=True, version=5))
    await joan.follow(ada)
    assert await joan.relations_to(ada) == [{"requested"}]
    states = [
        OwnedAccount(ada.number, 9, "ada", "Ada", None, False, "active", "everybody"),
        OwnedAccount(grace.number, 9, "grace", "Grace", None, True, "active", "everybody"),
    ]
    copies = AccountCopies(store, handlers)
    assert await copies.repair(states) == 2
    assert await joan.relations_to(ada) == [{"following"}], "an account that is public admits those who wait"
    await joan.follow(grace)
    assert await joan.relations_to(grace) == [{"requested"}]
    older = [state._replace(version=8, private=not state.private) for state in states]
    assert await copies.repair([*states, *older]) == 0
    assert not (await store.accounts([ada.number]))[ada.number].private


async def test_pages_of_pairs(users: ApiUsers) -> None:
    ada, grace, joan = await users.new_users(3)
    await ada.follow(grace)
    await ada.mute(grace)
    await ada.block(joan)
    await grace.follow(ada)
    await grace.unfollow(ada)
    after = {"after_account": ada.number - 1, "limit": 2}
    first = (await users.api.get("/internal/pairs", params=after)).json()
    assert [pair[:2] + pair[3:] for pair in first["pairs"]] == [
        [ada.number, grace.number, True, False, True],
        [ada.number, joan.number, False, True, False],
    ]
    assert first["total"] >= 2
    after = {"after_account": ada.number, "after_other": joan.number, "limit": 2}
    second = (await users.api.get("/internal/pairs", params=after)).json()
    assert [pair[:2] + pair[3:] for pair in second["pairs"]] == [[grace.number, ada.number, False, False, False]]
    assert second["pairs"][0][2] > first["pairs"][0][2], "versions are times"


async def test_progress(environment: Mapping[str, str]) -> None:
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=2) as pool:
        progress = PostgresCopyProgress(pool)
        assert await progress.load("tests") is None
        assert not await progress.swap("tests", "0", "1")
        assert await progress.swap("tests", None, "1")
        assert not await progress.swap("tests", None, "2")
        assert await progress.swap("tests", "1", "2")
        assert await progress.load("tests") == "2"
