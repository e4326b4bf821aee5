"""The latest record of each key is enough: tables made from a compacted log equal those made from the whole log."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from photomesh_post.posts.drafts import Edit
from photomesh_shared.events import Envelope, Event, encode
from tests.support.clock import settle
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, account, ready, rejected, uploaded


def compacted(log: Sequence[Envelope[Event]]) -> list[Envelope[Event]]:
    """What compaction leaves of a log: the latest record of each key, and none of a key that ended."""
    latest = {encode(envelope).key: envelope for envelope in log}
    return [envelope for envelope in latest.values() if not envelope.data.ends]


async def rebuilt(log: Sequence[Envelope[Event]]) -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE))
    for envelope in log:
        if envelope.data.topic == "engagement":
            await service.consume_batch(envelope)
        else:
            await service.consume(envelope)
    await settle()
    return service


async def service_with_posts(seed: int) -> tuple[InMemoryService, list[int]]:
    """Posts in all states: edited before and after publication, rejected, deleted."""
    rng = random.Random(seed)
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE))
    posts = []
    for _ in range(8):
        await service.clock.advance(1)
        photo = service.ids.next()
        await service.consume(uploaded(photo, ADA))
        post_id = await service.create_post(photo, caption="First #words")
        posts.append(post_id)
        for step in rng.sample(["edit", "end", "edit again", "delete"], k=rng.randint(0, 4)):
            await service.clock.advance(1)
            if step == "end":
                await service.consume(ready(photo, ADA) if rng.random() < 0.7 else rejected(photo, ADA))
            elif step == "delete":
                await service.posts.delete_post(ADA, post_id)
                break
            else:
                edit = Edit(caption=f"{step} @grace #{rng.randint(0, 99)}", alt_texts=((photo, step),))
                await service.posts.edit_post(ADA, post_id, edit, lambda _: None)
    return service, posts


@pytest.mark.parametrize("seed", range(12))
async def test_posts(seed: int) -> None:
    service, post_ids = await service_with_posts(seed)
    before = await service.post_store.posts(post_ids)
    again = await rebuilt(compacted(service.post_log.events))
    after = await again.post_store.posts(post_ids)
    assert after == {key: post for key, post in before.items() if not post.deleted}
    assert await again.snapshots.count_by_author(ADA) == await service.snapshots.count_by_author(ADA)
    timelines = await service.snapshots.timelines([ADA], before=None, limit=50)
    assert await again.snapshots.timelines([ADA], before=None, limit=50) == timelines


@pytest.mark.parametrize("seed", range(6))
async def test_likes_and_comments(seed: int) -> None:
    rng = random.Random(seed)
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE))
    post_id = await service.published_post()
    comments = [(await service.write_comment(GRACE, post_id)).comment.id for _ in range(4)]
    for _ in range(30):
        await service.clock.advance(0.01)
        who = rng.choice([ADA, GRACE])
        comment_id = rng.choice(comments)
        match rng.choice(["like", "unlike", "like comment", "unlike comment"]):
            case "like":
                await service.likes.like_post(who, post_id)
            case "unlike":
                await service.likes.unlike_post(who, post_id)
            case "like comment":
                await service.likes.like_comment(who, comment_id)
            case _:
                await service.likes.unlike_comment(who, comment_id)
    await service.comments.delete_comment(GRACE, comments[0])

    async def shown(of: InMemoryService) -> list[object]:
        counts = await of.count_store.counts([post_id, *comments[1:]])
        return [(key, counts[key].likes if key in counts else 0) for key in (post_id, *comments[1:])]

    whole = await rebuilt([*service.post_log.events, *service.comment_log.events, *service.like_log.events])
    again = await rebuilt(
        [*compacted(service.post_log.events), *compacted([*service.comment_log.events, *service.like_log.events])]
    )
    assert await shown(again) == await shown(whole)
    assert await again.snapshots.posts([post_id]) == await whole.snapshots.posts([post_id])
