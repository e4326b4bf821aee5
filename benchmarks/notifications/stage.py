"""Whom notifications are about and who hears of them, in the stores of a stack that is up."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

import photomesh_local as local
from benchmarks.society.graph import strangers
from benchmarks.society.mesh import Mesh
from benchmarks.society.posts import Posts, World
from benchmarks.society.tokens import tokens
from benchmarks.users import cassandra_user, kafka_user
from photomesh_notification.groups.domain import Kind, Subject
from photomesh_notification.groups.store import CassandraGroups
from photomesh_notification.push.domain import stack_of
from photomesh_notification.push.store import CassandraPushes
from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, PostLiked, Record, encode
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import IdGenerator
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.stores.cassandra import open_session

__all__ = ["STACK", "Reader", "Stage", "like", "open_stage", "say"]

STACK = "test"
_POSTS_EACH = 5
_KNOWN = 8
"""Of so many fans, post knows one: what nobody may see is pushed to nobody."""
_PATIENCE_SECONDS = 300.0
# Nobody answers there: a push is counted when it begins. The keys are of RFC 8291's example.
_DEVICE = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


@dataclass(frozen=True)
class Reader:
    account_id: int
    token: str
    post_ids: Sequence[int]


@dataclass
class Stage:
    """`author` registered, has a device, and made `post_id`; `fans` will like it. Readers have posts of their own."""

    gateway: str
    publisher: KafkaPublisher
    groups: CassandraGroups
    pushes: CassandraPushes
    generator: IdGenerator
    author_id: int
    post_id: int
    fans: Sequence[int]
    known: Sequence[int]
    readers: Sequence[Reader]

    def group_id(self, at: datetime) -> str:
        return Subject(Kind.LIKE, post_id=self.post_id).group_id(self.fans[0], at)

    async def wait_for(self, account_id: int, group_id: str, actor_id: int) -> None:
        """Until the actor is among those of the group."""
        ends = time.monotonic() + _PATIENCE_SECONDS
        while (group := await self.groups.group(account_id, group_id)) is None or actor_id not in group.actors:
            if time.monotonic() > ends:
                raise SystemExit(f"{group_id} was not right in time")
            await asyncio.sleep(0.02)

    async def group_writes(self) -> float:
        """That the writer has counted."""
        url = f"http://127.0.0.1:{local.Stack(STACK).ports['NOTIFICATION_WRITER']}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            families = text_string_to_metric_families(await response.text())
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "photomesh_notification_group_writes_total"
        )

    async def pushes_begun(self, group_id: str) -> int:
        state = await self.pushes.state(self.author_id, stack_of(str(Kind.LIKE), group_id, self.post_id))
        return state.pushes


def say(what: str) -> None:
    print(f"… {what}", flush=True)


def like(post_id: int, author_id: int, account_id: int, at: datetime) -> Record:
    event = PostLiked(post_id=post_id, post_author_id=author_id, account_id=account_id, liked_at=at)
    return encode(Envelope.of(event, entityversion=version_at(at), time=at))


@asynccontextmanager
async def open_stage(likes: int, readers: int) -> AsyncIterator[Stage]:
    clock = SystemClock()
    generator = IdGenerator(15, os.getpid() % 1024, clock)
    gateway = f"http://127.0.0.1:{local.Stack(STACK).ports['GATEWAY']}"
    mesh = Mesh(STACK)
    people = strangers(max(readers, -(-likes // _KNOWN)))
    world = World(people.people)
    known: list[int] = world.accounts.tolist()
    fans = [known[n // _KNOWN] if n % _KNOWN == 0 else generator.next() for n in range(likes)]
    async with (
        open_session(cassandra_user("notification-writer")) as session,
        open_publisher(kafka_user(), "benchmark") as publisher,
        aiohttp.ClientSession(gateway, raise_for_status=True) as http,
    ):
        say(f"{people.people:,} people, and {readers * _POSTS_EACH + 1:,} posts")
        author, author_token = await _register(http)
        post = generator.next()
        of_readers = world.posts(readers, _POSTS_EACH)
        try:
            await mesh.add_people(world, people)
            await mesh.add_posts(of_readers)
            await mesh.add_posts(Posts(np.array([post], np.int64), np.array([author], np.int64)))
            device = await _add_device(http, author_token)
            posts_of: dict[int, list[int]] = {}
            for post_id, author_id in of_readers:
                posts_of.setdefault(author_id, []).append(post_id)
            held = await tokens(STACK, known[:readers])
            yield Stage(
                gateway,
                publisher,
                CassandraGroups(session, clock),
                CassandraPushes(session),
                generator,
                author,
                post,
                fans,
                known,
                [Reader(account, held[account], posts_of[account]) for account in known[:readers]],
            )
            headers = {"Authorization": f"Bearer {author_token}"}
            async with http.delete(f"/v1/notifications/push/subscriptions/{device}", headers=headers):
                pass
        finally:
            await mesh.remove_people()


async def _register(http: aiohttp.ClientSession) -> tuple[int, str]:
    name = f"bench_{secrets.token_hex(6)}"
    body = {"username": name, "email": f"{name}@example.com", "password": secrets.token_urlsafe(16)}
    async with http.post("/v1/accounts", json=body) as response:
        answer = await response.json()
    return ids.decode("u", answer["user"]["id"]), answer["access_token"]


async def _add_device(http: aiohttp.ClientSession, token: str) -> str:
    body = {"endpoint": f"https://push.invalid/{secrets.token_hex(8)}", "keys": _DEVICE}
    headers = {"Authorization": f"Bearer {token}"}
    async with http.post("/v1/notifications/push/subscriptions", json=body, headers=headers) as response:
        return str((await response.json())["id"])
