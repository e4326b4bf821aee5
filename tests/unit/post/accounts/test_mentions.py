"""Which accounts mentions are linked to, and that they stay so."""

from __future__ import annotations

import pytest

from photomesh_post.posts.domain import PostView
from photomesh_post.posts.drafts import Draft, Edit
from photomesh_shared.events import PostCreated, PostEdited, PostPublished
from photomesh_shared.ids import CreationId
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, LINUS, account, blocked, followed, unfollowed


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE, username="grace"), account(LINUS, username="linus"))
    return service


async def links(service: InMemoryService, post_id: int) -> dict[str, int | None]:
    post = (await service.post_queries.post(ADA, post_id)).post
    return {mention.username: mention.account_id for mention in post.entities.mentions}


async def post_saying(service: InMemoryService, caption: str) -> int:
    return await service.create_post(await service.ready_photo(), caption=caption)


async def test_a_mention_is_linked_to_the_account_of_that_name(service: InMemoryService) -> None:
    post_id = await post_saying(service, "with @Grace, @grace and @nobody")
    assert await links(service, post_id) == {"grace": GRACE, "nobody": None}
    created, published = (envelope.data for envelope in service.post_log.events)
    assert isinstance(created, PostCreated)
    assert isinstance(published, PostPublished)
    assert created.mentions == published.mentions == ("grace", "nobody")
    assert created.entities is not None
    assert created.entities == published.entities
    assert [(one.start, one.end) for one in created.entities.mentions] == [(5, 11), (13, 19), (24, 31)]


async def test_a_renamed_account_stays_linked_and_the_name_goes_to_the_next(service: InMemoryService) -> None:
    before = await post_saying(service, "@grace")
    await service.consume(account(GRACE, username="hopper", version=2), account(LINUS, username="grace", version=2))
    after = await post_saying(service, "@grace @hopper @linus")
    await service.consume(account(GRACE, username="grace"))  # redelivered
    assert await links(service, before) == {"grace": GRACE}
    assert await links(service, after) == {"grace": LINUS, "hopper": GRACE, "linus": None}
    assert await links(service, await post_saying(service, "@grace")) == {"grace": LINUS}


@pytest.mark.parametrize("pair", [(ADA, GRACE), (GRACE, ADA)])
async def test_a_block_hides_whether_there_is_such_an_account(service: InMemoryService, pair: tuple[int, int]) -> None:
    await service.consume(blocked(*pair))
    assert await links(service, await post_saying(service, "@grace @linus")) == {"grace": None, "linus": LINUS}


async def test_an_account_that_is_not_active_is_not_linked(service: InMemoryService) -> None:
    await service.consume(account(GRACE, username="grace", version=2, status="deactivated"))
    assert await links(service, await post_saying(service, "@grace")) == {"grace": None}


async def test_a_minor_is_mentioned_by_those_whom_it_follows(service: InMemoryService) -> None:
    await service.consume(account(GRACE, username="grace", version=2, mentionable_by="followees"))
    await service.consume(followed(ADA, GRACE))  # a follower is a stranger all the same
    before = await post_saying(service, "@grace @linus")
    assert await links(service, before) == {"grace": None, "linus": LINUS}
    await service.consume(followed(GRACE, ADA))
    known = await post_saying(service, "@grace")
    assert await links(service, known) == {"grace": GRACE}
    await service.consume(unfollowed(GRACE, ADA))
    assert await links(service, known) == {"grace": GRACE}, "as it was when it was written"
    assert await links(service, await post_saying(service, "@grace")) == {"grace": None}
    own = await service.create_post(await service.ready_photo(GRACE), caption="@grace", author_id=GRACE)
    assert (await service.post_queries.post(GRACE, own)).post.entities.mentions[0].account_id == GRACE
    await service.consume(account(GRACE, username="grace", version=3))
    assert await links(service, await post_saying(service, "@grace")) == {"grace": GRACE}


async def test_an_account_that_registers_later_is_not_linked_by_a_repetition(service: InMemoryService) -> None:
    post_id, later = service.ids.next(), service.ids.next()
    await service.consume(account(later, username="later"))
    draft = Draft.checked([await service.ready_photo()], "@later", None, [])
    await service.posts.create_post(CreationId(post_id), ADA, draft)
    assert await links(service, post_id) == {"later": None}


async def test_an_edit_links_its_own_caption_only(service: InMemoryService) -> None:
    def always(current: PostView) -> None:
        """A precondition that holds."""

    post_id = await post_saying(service, "@grace")
    await service.consume(account(GRACE, username="hopper", version=2))
    await service.posts.edit_post(ADA, post_id, Edit(caption="@grace"), always)
    assert service.post_log.types() == ["created", "published"]
    await service.posts.edit_post(ADA, post_id, Edit(caption="@grace", alt_texts=[], sets_place=True), always)
    assert await links(service, post_id) == {"grace": GRACE}
    await service.posts.edit_post(ADA, post_id, Edit(caption="@linus @grace"), always)
    assert await links(service, post_id) == {"linus": LINUS, "grace": None}
    edited = service.post_log.events[-1].data
    assert isinstance(edited, PostEdited)
    assert edited.entities == (await service.post_queries.post(ADA, post_id)).post.entities
