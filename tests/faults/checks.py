"""What must hold once the faults are over. Each check returns violations as lines; none is good."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import httpx

from demo.client import Account, PhotoRefused, Platform
from photomesh_feed import rebuild as rebuild_feed
from photomesh_feed.settings import ConsumerSettings as FeedSettings
from photomesh_local import environment, services_of
from photomesh_local.configuration.registry import PROGRAMS
from photomesh_post import rebuild
from photomesh_post.settings import EngagementSettings
from photomesh_shared.events import TOPICS, Record, Topic, dead_letter_topic, event_types
from photomesh_shared.events.documents.asyncapi import example_record
from photomesh_shared.kafka.reading import partition_counts, read_topic
from photomesh_shared.verify_topics.__main__ import describe
from photomesh_shared.verify_topics.checks import TopicChecker
from tests.support.kafka import Topics, kafka_user
from tests.support.services import settings_from

__all__ = [
    "agreement",
    "caught_up",
    "counts",
    "dead_letters",
    "health",
    "letters",
    "photos",
    "poison",
    "topics_and_tables",
]

_WITHIN = 180.0
_POISON = b"not JSON"
_TERMINAL = ("photo_ready", "photo_rejected", "photo_failed")
_RECONCILERS = {"post-engagement": "photomesh_post.reconcile", "social-graph": "photomesh_social_graph.reconcile"}


async def _until_none(look: Callable[[], Awaitable[list[str]]], within: float = _WITHIN) -> list[str]:
    """The lines that are left when time is up; looks again until there are none."""
    deadline = time.monotonic() + within
    while lines := await look():
        if time.monotonic() > deadline:
            return lines
        await asyncio.sleep(0.5)
    return []


async def health(http: httpx.AsyncClient, ports: Mapping[str, int]) -> list[str]:
    """Every service is ready, without a hand."""

    async def look() -> list[str]:
        names = await asyncio.to_thread(services_of, "test")
        found = await asyncio.gather(*(one(name) for name in names))
        return [line for line in found if line]

    async def one(name: str) -> str:
        port = ports[name.upper().replace("-", "_")]
        try:
            answer = await http.get(f"http://127.0.0.1:{port}/readyz", timeout=5)
        except httpx.TransportError as error:
            return f"{name} is not ready: {error!r}"
        return "" if answer.is_success else f"{name} is not ready: {answer.text}"

    return await _until_none(look)


async def agreement(differences: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """Everybody sees what the model says: acknowledged writes are there once, nothing hidden is shown."""
    return await _until_none(differences)


async def caught_up(topics: Topics) -> list[str]:
    """Every group has handled everything that was in its topics."""
    groups = sorted({program.group for program in PROGRAMS.values() if program.runs_locally and program.group})

    async def one(group: str) -> str:
        try:
            await topics.caught_up(group, within=_WITHIN)
        except AssertionError as error:
            return f"{group}: {error}"
        return ""

    return [line for line in await asyncio.gather(*map(one, groups)) if line]


async def photos(platform: Platform, topics: Topics, account: Account, photo_ids: Sequence[str]) -> list[str]:
    """Every acknowledged upload is ready, and ended once."""
    lines = []
    for photo_id in photo_ids:
        try:
            await platform.wait_until_ready(account, photo_id, within=_WITHIN)
        except (TimeoutError, PhotoRefused) as error:
            lines.append(f"{photo_id}: {error}")
    # The same event published twice counts once.
    seen = {(r.header("ce_subject"), r.header("ce_id")) for topic in _TERMINAL for r in await topics.records(topic)}
    ended = Counter(subject for subject, _ in seen)
    return lines + [f"{photo_id} ended {ended[photo_id]} times" for photo_id in photo_ids if ended[photo_id] != 1]


def poison(mark: str) -> list[Record]:
    """A record that nobody can decode, of each type in each topic that somebody consumes. Its key is the mark.

    Of each type, as a group skips types that it does not handle without looking into them.
    """
    kinds = event_types()
    records = [example_record(kinds[name]) for topic in _consumed() for name in topic.types]
    return [Record(record.topic, mark.encode(), _POISON, record.headers) for record in records]


def _groups(topic: Topic) -> set[str]:
    """The consumer groups of a topic whose programs run on this stack."""
    return set(topic.consumers) & {program.group for program in PROGRAMS.values() if program.runs_locally}


def _consumed() -> list[Topic]:
    return [topic for topic in TOPICS.values() if _groups(topic)]


async def letters(topics: Topics) -> dict[str, list[Record]]:
    """The dead letters of every topic and group, by the name of their topic."""
    names = [dead_letter_topic(topic.name, group) for topic in _consumed() for group in _groups(topic)]
    return {name: await topics.records(name) for name in names}


async def dead_letters(topics: Topics, marks: Sequence[str], known: Mapping[str, Sequence[Record]]) -> list[str]:
    """Every group has put the poison of its topics aside, and nothing else but what was put aside before: a group that
    is put back meets that again."""
    expected = {mark.encode() for mark in marks}
    again = {letter.key for found in known.values() for letter in found}

    async def look() -> list[str]:
        lines = []
        for name, found in (await letters(topics)).items():
            new = found[len(known[name]) :]
            keys = {letter.key for letter in new}
            lines += [f"{name} lacks {mark!r}" for mark in expected - keys]
            lines += [f"{name} holds {key!r}: {_reason(new, key)}" for key in keys - expected - again]
        return lines

    return await _until_none(look)


def _reason(letters: Sequence[Record], key: bytes | None) -> dict[str, bytes | None]:
    letter = next(letter for letter in letters if letter.key == key)
    return {name: value for name, value in letter.headers if not name.startswith("ce_data")}


async def counts() -> list[str]:
    """Counts equal the rows that they count, by the services' own audits."""

    async def look() -> list[str]:
        return [
            line for lines in await asyncio.gather(*(_audit(*one) for one in _RECONCILERS.items())) for line in lines
        ]

    return await _until_none(look, within=30)


async def topics_and_tables(began: datetime) -> list[str]:
    """What was written since then keeps the contract of events, and post's tables and feed's Redis can be made from
    it."""
    operator = kafka_user("operator")
    partitions = await partition_counts(operator, list(TOPICS))
    lines = []
    for name, topic in TOPICS.items():
        checker, poisoned = TopicChecker(topic, partitions[name], lag_begins=began), 0
        async for received in read_topic(operator, name, since=began):
            poisoned += received.record.value == _POISON
            checker.check(received)
        summary = checker.summary()
        summary.problems["schema"] -= poisoned
        if any(summary.problems.values()):
            lines.append(describe(summary))
    settings = settings_from(EngagementSettings, environment("test", "post-consumer"))
    feed_settings = settings_from(FeedSettings, environment("test", "feed-consumer"))

    async def look() -> list[str]:
        _, differences = await rebuild.check(settings, began)
        _, differences_of_feed = await rebuild_feed.check(feed_settings, began)
        return list(map(str, [*differences, *differences_of_feed]))

    return lines + await _until_none(look, within=60)


async def _audit(program: str, module: str) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        env={**os.environ, **environment("test", program)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return [] if process.returncode == 0 else [f"{module}: {line}" for line in output.decode().splitlines()]
