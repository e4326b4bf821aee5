"""Avatars that were replaced leave object storage and the CDN, whatever arrives in which order."""

from __future__ import annotations

import pytest

from photomesh_post.accounts.avatars import AvatarEraser, ReplacedAvatars, pending_avatar
from photomesh_post.accounts.domain import Author
from photomesh_post.accounts.service import AccountStates
from photomesh_post.erasures.domain import Kind
from photomesh_post.erasures.worker import NotYetErased
from photomesh_shared.errors import Unavailable
from photomesh_shared.object_keys import avatar_key
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.memory_posts import MemoryAccounts
from tests.support.post.sample_events import ADA, account

FIRST, SECOND, THIRD = (f"https://cdn.example/variants/{avatar_key(ADA, token, 150, '.jpg')}" for token in "abc")


def key(url: str, size: int = 150) -> str:
    return url.removeprefix("https://cdn.example/variants/").replace("/150.", f"/{size}.")


@pytest.fixture
def service() -> InMemoryService:
    service = InMemoryService()
    service.objects.stored_avatars = [key(url, size) for url in (FIRST, SECOND, THIRD) for size in (150, 320)]
    return service


async def test_a_replaced_avatar_is_purged_and_deleted(service: InMemoryService) -> None:
    await service.consume(account(ADA), account(ADA, version=2, avatar_url=FIRST))
    assert service.cdn.purged == []
    await service.consume(account(ADA, version=3, avatar_url=SECOND))
    of_first = [key(FIRST), key(FIRST, 320)]
    assert service.objects.removed_avatars == of_first
    assert service.cdn.purged == 2 * of_first, "before and after"
    await service.consume(account(ADA, version=4, avatar_url=SECOND, private=True), account(ADA, version=5))
    assert service.objects.removed_avatars == [*of_first, key(SECOND), key(SECOND, 320)]


async def test_what_is_delivered_again_erases_no_avatar_in_use(service: InMemoryService) -> None:
    events = [account(ADA, version=version, avatar_url=url) for version, url in ((2, FIRST), (3, SECOND), (4, THIRD))]
    await service.consume(*events)
    await service.consume(*events, *reversed(events))
    assert set(service.objects.removed_avatars) == {key(url, size) for url in (FIRST, SECOND) for size in (150, 320)}


async def test_a_state_ahead_of_its_event_hides_no_avatar(service: InMemoryService) -> None:
    """identity writes accounts that go private through, while older events are still on their way."""
    await service.consume(account(ADA, version=2, avatar_url=FIRST))
    accounts = MemoryAccounts(service.tables)
    states = AccountStates(accounts, ReplacedAvatars(accounts, service.erasures, service.clock))
    await states.store_account(Author(ADA, "user101", "Ada", THIRD, private=True), 4)
    await service.consume(account(ADA, version=3, avatar_url=SECOND), account(ADA, version=4, avatar_url=THIRD))
    assert set(service.objects.removed_avatars) == {key(url, size) for url in (FIRST, SECOND) for size in (150, 320)}


async def test_nothing_is_lost_when_the_account_cannot_be_stored(service: InMemoryService) -> None:
    await service.consume(account(ADA, version=2, avatar_url=FIRST))
    accounts = MemoryAccounts(service.tables)
    await ReplacedAvatars(accounts, service.erasures, service.clock).note(Author(ADA, avatar_url=SECOND), 3)
    [pending] = service.erasures.pending.values()
    assert pending.kind is Kind.AVATAR
    # A crash, or the worker is faster: the account still has it.
    with pytest.raises(NotYetErased):
        await AvatarEraser(accounts, service.objects, service.cdn).erase(pending)
    assert service.cdn.purged == service.objects.removed_avatars == []
    await service.consume(account(ADA, version=3, avatar_url=SECOND))
    assert set(service.objects.removed_avatars) == {key(FIRST), key(FIRST, 320)}


async def test_it_is_purged_again_after_a_failure(service: InMemoryService) -> None:
    class Failing:
        async def purge(self, keys: object) -> None:
            raise Unavailable

    accounts = MemoryAccounts(service.tables)
    pending = pending_avatar(ADA, FIRST, 1, service.clock.now())
    with pytest.raises(Unavailable):
        await AvatarEraser(accounts, service.objects, Failing()).erase(pending)
    assert service.objects.removed_avatars == [], "its keys are nowhere else"
    elsewhere = pending_avatar(ADA, "https://other.example/x.jpg", 1, service.clock.now())
    await AvatarEraser(accounts, service.objects, service.cdn).erase(elsewhere)
    assert service.cdn.purged == []
