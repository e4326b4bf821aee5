"""One round: a society acts while faults come and go; then the mesh heals by itself, and is judged."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from demo.client import Account, ApiError, Platform
from photomesh_shared.events import Record
from tests.faults import checks
from tests.faults.injection import inject
from tests.faults.leavers import Leaver
from tests.faults.schedule import Fault
from tests.support import photos
from tests.support.kafka import Topics, kafka_user
from tests.support.servers import Servers
from tests.support.society import Actions, People, settle

__all__ = ["Run", "Society", "play", "settled"]

Say = Callable[[str], None]


@dataclass
class Run:
    """What all rounds share. `patience` is how many seconds a client repeats a call; it must outlast every outage and
    the recovery from it."""

    servers: Servers
    http: httpx.AsyncClient
    say: Say
    patience: float
    poisons: bool = True
    """Whether records are sent that nobody can decode."""
    violations: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    """Of the poison that was sent."""
    known: Mapping[str, Sequence[Record]] | None = None
    """The dead letters that were there before."""

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.servers.ports['GATEWAY']}"
        self.topics = Topics(kafka_user())
        self.platform = Platform(self.http, self.url, tries=60)

    async def expect(self, what: str, check: Awaitable[list[str]]) -> bool:
        """Record the violations of a check; whether there were none."""
        started = time.monotonic()
        try:
            lines = await check
        except Exception as error:
            lines = [repr(error)]
        self.say(f"  {what}: {'as it must be' if not lines else 'VIOLATED'} after {time.monotonic() - started:.1f} s")
        for line in lines:
            self.violations.append(f"{what}: {line}")
            self.say(f"      {line}")
        return not lines


@dataclass
class Society:
    people: People
    actions: Actions
    photos: dict[int, list[str]]
    began: datetime
    turns: int = 0


async def settled(run: Run, dice: random.Random) -> Society:
    """A new society. Raises AssertionError if the mesh cannot take it in, or is not well after an earlier violation."""
    lines = await checks.health(run.http, run.servers.ports)
    assert not lines, lines
    began = datetime.now(UTC)
    people, ready = await settle(run.http, run.url, run.platform, patience=run.patience)
    pools = dict(ready)
    return Society(people, Actions(people, dice, pools), pools, began)


async def play(run: Run, society: Society, dice: random.Random, faults: Sequence[Fault]) -> bool:
    """Act until the faults are over, and judge; whether everything was as it must be.

    Relations change, or posts and what people do with them; not both, for what an account may do follows from its
    relations, and some programs learn of those from events.
    """
    actions, turn = society.actions, society.turns
    society.turns += 1
    graph = turn == 0 or (turn > 1 and dice.random() < 0.4)
    moves = [actions.relate, actions.change_privacy] if graph else [actions.publish, actions.engage]
    uploader = turn % len(society.people.accounts)
    leaver = Leaver(run.http, run.url, society.people, patience=run.patience)
    await _poison(run)
    uploaded = await _under_faults(run, society.people.accounts[uploader], leaver, moves, faults)
    if uploaded is None:
        return False
    if not await run.expect("health", checks.health(run.http, run.servers.ports)):
        return False
    await _poison(run)  # every group has to take in something new
    whole = await run.expect("lag", checks.caught_up(run.topics))
    whole &= await run.expect("leaver", leaver.trace())
    whole &= await run.expect("agreement", checks.agreement(society.people.differences))
    society.actions.agreed()
    whole &= await run.expect(
        f"{len(uploaded)} uploads",
        checks.photos(run.platform, run.topics, society.people.accounts[uploader], uploaded),
    )
    society.photos[uploader] += uploaded
    whole &= await run.expect("counts", checks.counts())
    whole &= await run.expect("dead letters", checks.dead_letters(run.topics, run.marks, run.known or {}))
    return whole & await run.expect("topics and tables", checks.topics_and_tables(society.began))


async def _poison(run: Run) -> None:
    if run.known is None:
        run.known = await checks.letters(run.topics)
    if not run.poisons:
        return
    mark = f"poison-{secrets.token_hex(6)}"
    await run.topics.send(checks.poison(mark))
    run.marks.append(mark)


async def _under_faults(
    run: Run,
    uploader: Account,
    leaver: Leaver,
    moves: Sequence[Callable[[], Awaitable[None]]],
    faults: Sequence[Fault],
) -> list[str] | None:
    """The photos whose upload was acknowledged while the faults lasted, or None after a violation."""
    over, uploaded = asyncio.Event(), list[str]()

    async def act() -> None:
        for move in cycle(moves):
            await move()
            if over.is_set():
                return

    injecting = asyncio.create_task(inject(run.servers, faults, run.say))
    injecting.add_done_callback(lambda _: over.set())
    uploading = asyncio.create_task(_upload(run, uploader, uploaded, over))
    try:
        await asyncio.gather(act(), leaver.live_and_leave(), injecting)
    except Exception as error:
        run.violations.append(repr(error))
        run.say(f"  VIOLATED: {error!r}")
        return None
    finally:
        over.set()
        await asyncio.wait([injecting])
        await asyncio.wait([uploading], timeout=run.patience)
        uploading.cancel()
    return uploaded


async def _upload(run: Run, account: Account, acknowledged: list[str], over: asyncio.Event) -> None:
    """Upload one photo after the other. An upload that fails was not acknowledged, and is forgotten."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "small.jpg"
        file.write_bytes(photos.photo("jpeg", 200, 150))
        while not over.is_set():
            try:
                acknowledged.append(await run.platform.upload(account, file, lambda _: None))
            except (ApiError, httpx.TransportError):
                await asyncio.sleep(0.5)
            await asyncio.sleep(0.2)
