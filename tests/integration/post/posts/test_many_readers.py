"""How few reads many concurrent requests cost, as Cassandra counts them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest

from photomesh_post.accounts import projection as accounts
from photomesh_post.app import create_app
from photomesh_post.posts import projection as posts
from photomesh_post.settings import Settings
from photomesh_post.tables.store import write_rows
from photomesh_shared import ids
from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.events import Envelope, PostCreated, PostPublished
from photomesh_shared.events.versions import version_at
from photomesh_shared.internal_api import post as contract
from photomesh_shared.stores.cassandra import CassandraSession, migrate, open_session
from photomesh_shared.stores.migrations import folder_of
from tests.integration.post.conftest import Environment
from tests.support.internal_calls import RightfulCaller
from tests.support.post.sample_events import account
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

READERS = 1_000


@dataclass(frozen=True)
class Post:
    """A published post, in a keyspace that nothing else reads."""

    api: httpx.AsyncClient
    session: CassandraSession
    keyspace: str
    id: str
    author_id: str

    async def reads(self) -> Mapping[str, int]:
        """By table."""
        rows = await self.session.execute(
            "SELECT keyspace_name, table_name, count FROM system_views.coordinator_read_latency"
        )
        return {row["table_name"]: row["count"] for row in rows if row["keyspace_name"] == self.keyspace}


@pytest.fixture(scope="module")
async def post(environment: Environment, new_id: Callable[[], int]) -> AsyncIterator[Post]:
    keyspace = f"post_{uuid.uuid4().hex[:12]}"
    superuser = {k: v for k, v in environment("cassandra-roles").items() if k.startswith("PHOTOMESH_CASSANDRA_")}
    settings = settings_from(Settings, {**environment("post"), **superuser}, cassandra_keyspace=keyspace)
    await migrate(settings, folder_of("photomesh_post"))
    author_id, post_id = new_id(), new_id()
    version = version_at(ids.timestamp_of(post_id))
    who = {"post_id": post_id, "author_id": author_id}
    async with open_session(settings) as session, client_of(create_app(settings)) as api:
        api.auth = RightfulCaller(environment("post"), contract)
        created = Envelope.of(PostCreated.example().model_copy(update=who), entityversion=version)
        published = Envelope.of(PostPublished.example().model_copy(update=who), entityversion=version + 1)
        await write_rows(session, accounts.rows_of(account(author_id)))
        await write_rows(session, [*posts.rows_of(created), *posts.rows_of(published)])
        yield Post(api, session, keyspace, ids.encode("o", post_id), ids.encode("u", author_id))
        with suppress(DatabaseUnavailable):  # takes longer than the time-out, and happens all the same
            await session.execute(f"DROP KEYSPACE {keyspace}")


async def _cost(post: Post, request: Callable[[], Awaitable[httpx.Response]]) -> dict[str, int]:
    """Reads of each table by many concurrent requests."""
    before = await post.reads()
    answers = await asyncio.gather(*(request() for _ in range(READERS)))
    assert {answer.status_code for answer in answers} == {200}
    return {table: count - before[table] for table, count in (await post.reads()).items() if count > before[table]}


async def test_a_cold_post(post: Post) -> None:
    cost = await _cost(post, lambda: post.api.get(f"/v1/posts/{post.id}"))
    assert cost.keys() == {"posts", "accounts", "counts"}
    assert all(count <= 10 for count in cost.values()), cost


async def test_a_cold_post_and_an_account(post: Post, issuer: Issuer, new_id: Callable[[], int]) -> None:
    headers = issuer.headers(new_id())
    cost = await _cost(post, lambda: post.api.get(f"/v1/posts/{post.id}", headers=headers))
    assert cost.keys() >= {"posts", "accounts", "counts", "relations"}
    assert all(count <= 10 for count in cost.values()), cost


async def test_a_cold_list(post: Post) -> None:
    cost = await _cost(post, lambda: post.api.get(f"/v1/users/{post.author_id}/posts"))
    assert cost.keys() == {"posts", "accounts", "counts", "posts_by_author", "months_by_author"}
    assert all(count <= 10 for count in cost.values()), cost


async def test_a_cold_count(post: Post) -> None:
    cost = await _cost(post, lambda: post.api.get(f"/internal/accounts/{post.author_id}/posts/count"))
    assert cost.keys() <= {"posts_by_author", "months_by_author"}
    assert all(count <= 10 for count in cost.values()), cost
