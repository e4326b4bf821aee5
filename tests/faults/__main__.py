"""Random faults against the whole mesh while a small society acts on it.

Societies follow one another until time is up. Each acts in steps; during a step, services and servers are killed,
paused and stopped as a schedule says; with --outages, one server at a time is stopped for each of these lengths. When
the faults of a step are over, the mesh must heal by itself and agree with a model of the society. The test stack's data
is removed first. Exits with 1 if anything was violated.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

import photomesh_local as local
from demo.client import Account, ApiError, Platform
from photomesh_local.servers import SERVERS
from tests.faults import checks
from tests.faults.injection import inject
from tests.faults.schedule import Fault, outages, schedule
from tests.support import photos
from tests.support.kafka import Topics, kafka_user
from tests.support.servers import Servers, open_servers
from tests.support.society import Actions, settle

_STEPS = 4
_FAULT_SECONDS = 15.0
_PATIENCE = 150.0
"""Seconds for which a client repeats a call: longer than any outage here and the recovery from it."""
_CDN = ("shield", "edge")


@dataclass
class Run:
    """The state of one run; everything that is printed goes through it."""

    seed: int
    servers: Servers
    http: httpx.AsyncClient
    dice: random.Random
    began: float = field(default_factory=time.monotonic)
    violations: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    planned: deque[list[Fault]] = field(default_factory=deque)
    """The faults of the next steps; of steps beyond it they are random."""

    def __post_init__(self) -> None:
        ports = self.servers.ports
        self.url = f"http://127.0.0.1:{ports['GATEWAY']}"
        self.topics = Topics(kafka_user())
        self.platform = Platform(self.http, self.url, tries=60)
        self.programs = [*(name for name in SERVERS if name not in _CDN), *local.services_of("test")]

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:6.0f}s  {text}", flush=True)

    async def expect(self, what: str, check: Awaitable[list[str]]) -> bool:
        """Record the violations of a check; whether there were none."""
        started = time.monotonic()
        lines = await check
        self.say(f"{what}: {'as it must be' if not lines else 'VIOLATED'} after {time.monotonic() - started:.1f} s")
        for line in lines:
            self.violations.append(f"{what}: {line}")
            self.say(f"    {line}")
        return not lines


async def live(run: Run, number: int) -> None:
    """One society, until its last step or its first violation."""
    people, ready = await settle(run.http, run.url, run.platform, patience=_PATIENCE)
    mark = f"poison-{run.seed}-{number}-{secrets.token_hex(4)}"
    await run.topics.send(checks.poison(mark))
    run.marks.append(mark)
    actions = Actions(people, run.dice, ready)
    moves = [actions.relate, actions.publish, actions.engage, actions.change_privacy]
    for index in range(_STEPS):
        move = moves[index] if index < 3 else run.dice.choice(moves)
        uploader = people.accounts[index % len(people.accounts)]
        faults = run.planned.popleft() if run.planned else schedule(run.dice, run.programs, _FAULT_SECONDS)
        run.say(f"society {number}, {move.__name__}: {'; '.join(map(str, faults)) or 'no fault'}")
        uploaded = await _under_faults(run, faults, move, uploader)
        if uploaded is None:
            return
        whole = await run.expect("health", checks.health(run.http, run.servers.ports))
        whole &= await run.expect("agreement", checks.agreement(people.differences))
        whole &= await run.expect(
            f"{len(uploaded)} uploads", checks.photos(run.platform, run.topics, uploader, uploaded)
        )
        if not whole:
            return
    await run.expect("counts", checks.counts())
    await run.expect("dead letters", checks.dead_letters(run.topics, run.marks))


async def _under_faults(
    run: Run, faults: Sequence[Fault], move: Callable[[], Awaitable[None]], uploader: Account
) -> list[str] | None:
    """Act and upload while the faults last; the photos whose upload was acknowledged, or None after a violation."""
    over, uploaded = asyncio.Event(), list[str]()
    injecting = asyncio.create_task(inject(run.servers, faults))
    uploading = asyncio.create_task(_upload(run, uploader, uploaded, over))
    try:
        await asyncio.gather(move(), injecting)
    except Exception as error:
        run.violations.append(f"{move.__name__}: {error!r}")
        run.say(f"VIOLATED: {error!r}")
        return None
    finally:
        over.set()
        await asyncio.wait([injecting])
        await asyncio.wait([uploading], timeout=_PATIENCE)
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


async def main(seed: int, minutes: float, lengths: Sequence[float]) -> int:
    print(f"seed {seed}: make faults ARGS='--seed {seed} --minutes {minutes:g}'", flush=True)
    local.clean("test")
    with open_servers() as servers:
        # The test stack does not flush changes of the schema. An orderly end does, so that the schema outlives a kill.
        servers.restart("cassandra")
        servers.start_services()
        async with httpx.AsyncClient(timeout=15) as http:
            run = Run(seed, servers, http, random.Random(seed))
            run.planned.extend(outages(list(SERVERS), lengths))
            number = 0
            while run.planned or (not lengths and time.monotonic() - run.began < minutes * 60):
                await live(run, number := number + 1)
    took = (time.monotonic() - run.began) / 60
    print(f"\nseed {seed}: {number} societies in {took:.0f} minutes, {len(run.violations)} violations")
    for line in run.violations:
        print(f"  {line}")
    return 1 if run.violations else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="make faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=10, help="how long (a society that has begun is not cut short)"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of faults and actions (random)")
    parser.add_argument(
        "--outages", type=float, nargs="+", default=[], metavar="SECONDS", help="instead: outages of each server"
    )
    chosen = parser.parse_args()
    sys.exit(asyncio.run(main(chosen.seed, chosen.minutes, chosen.outages)))
