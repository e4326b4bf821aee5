"""``python -m benchmarks.webhooks``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import aiohttp
import asyncpg

import photomesh_local as local
from benchmarks.report import machine, ms, quantile, write
from benchmarks.users import kafka_user
from benchmarks.webhooks.receiver import HOST, PORT, Receivers, receivers
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, PhotoReady, encode
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import IdGenerator
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_webhook.endpoints.secrets import SecretBox, new_secret

_STACK, _PROGRAM = "test", "webhook-sender"
_AIM_SECONDS, _AIM_SHIFT = 120, 0.10
_ENDPOINTS = 50
_EVENTS_PER_PHOTO = 10
_PATIENCE_SECONDS = 900.0
_DOWN = timedelta(minutes=30)


@dataclass(frozen=True)
class CaughtUp:
    """Seconds from the receiver's return: until the first event arrived, which is a probe, and until the last."""

    events: int
    noticed: float
    all: float
    repeated: int
    out_of_order: int


@dataclass(frozen=True)
class Latencies:
    """Of events from their publication to their arrival, at endpoints that answer."""

    events: int
    p50: float
    p99: float


class Bench:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        publisher: KafkaPublisher,
        found: Receivers,
        box: SecretBox,
        generator: IdGenerator,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._found = found
        self._box = box
        self._generator = generator
        self._endpoints: list[int] = []

    async def endpoint(self, path: str, *, down: bool = False) -> int:
        """An endpoint of an account of its own, which is returned. `down`: as half an hour of failures leaves it, its
        latest probe just over."""
        endpoint_id, account_id, now = self._generator.next(), self._generator.next(), datetime.now(UTC)
        await self._pool.execute(
            "INSERT INTO endpoints (id, account_id, audience, url, types, ordering, description, state, version,"
            " created_at, updated_at, behind, failures, attempts_failed, failing_since, next_probe_at, due_at)"
            " VALUES ($1, $2, 'own', $3, '{photomesh.photo.*}', 'subject', 'benchmark', 'enabled', 1, $4, $4,"
            " $5, $6, $6, $7, $8, $8)",
            endpoint_id,
            account_id,
            f"https://{HOST}:{PORT}{path}",
            now,
            down,
            60 if down else 0,
            now - _DOWN if down else None,
            now + _DOWN / 60 if down else None,
        )
        await self._pool.execute(
            "INSERT INTO secrets (endpoint_id, sealed, created_at) VALUES ($1, $2, $3)",
            endpoint_id,
            self._box.seal(endpoint_id, new_secret()),
            now,
        )
        self._endpoints.append(endpoint_id)
        return account_id

    async def publish(self, account_ids: Sequence[int], photos: Sequence[int]) -> list[Envelope[Event]]:
        """An event for each photo, of these accounts in turn."""
        now, example = datetime.now(UTC), PhotoReady.example()
        envelopes: list[Envelope[Event]] = [
            Envelope.of(
                example.model_copy(update={"owner_id": account_ids[number % len(account_ids)], "photo_id": photo}),
                entityversion=version_at(now) + number,
                time=now,
            )
            for number, photo in enumerate(photos)
        ]
        await self._publisher.send([encode(envelope) for envelope in envelopes])
        return envelopes

    async def clean(self) -> None:
        for table, column in (("deliveries", "endpoint_id"), ("endpoints", "id")):
            await self._pool.execute(f"DELETE FROM {table} WHERE {column} = ANY($1)", self._endpoints)
        self._endpoints.clear()

    async def catch_up(self, events: int) -> CaughtUp:
        path = "/returns"
        self._found.down.add(path)
        account_id = await self.endpoint(path, down=True)
        photos = [self._generator.next() for _ in range(events // _EVENTS_PER_PHOTO)]
        expected: defaultdict[str, list[str]] = defaultdict(list)
        for _ in range(_EVENTS_PER_PHOTO):
            for envelope in await self.publish([account_id], photos):
                expected[envelope.data.subject()].append(envelope.id)
        await self._until_behind(self._endpoints[-1])
        self._found.down.discard(path)
        # The longest wait for a probe that an outage of this length leads to begins now.
        await self._pool.execute(
            "UPDATE endpoints SET next_probe_at = $2, due_at = $2 WHERE id = $1 AND failures > 0",
            self._endpoints[-1],
            datetime.now(UTC) + _DOWN / 60,
        )
        returned = time.time()
        arrived = self._found.arrived[path]
        await self._until(lambda: len({event_id for event_id, _, _ in arrived}) >= events)
        got: defaultdict[str, list[str]] = defaultdict(list)
        for event_id, subject, _ in arrived:
            if event_id not in got[subject]:
                got[subject].append(event_id)
        wrong = sum(got[subject] != ids for subject, ids in expected.items())
        await self.clean()
        return CaughtUp(events, arrived[0][2] - returned, time.time() - returned, len(arrived) - events, wrong)

    async def latencies(self, seconds: int, *, tarpit: bool, number: int) -> Latencies:
        """Each endpoint gets two events a second; one of them may hang."""
        paths = [f"/{number}/{place}" for place in range(_ENDPOINTS)]
        account_ids = [await self.endpoint(path) for path in paths]
        if tarpit:
            self._found.hanging.add(paths[0])
        published: dict[str, float] = {}
        began = time.perf_counter()
        for half in range(2 * seconds):
            await asyncio.sleep(max(0.0, began + half / 2 - time.perf_counter()))
            at = time.time()
            photos = [self._generator.next() for _ in account_ids]
            for envelope in await self.publish(account_ids, photos):
                published[envelope.id] = at
        expected = 2 * seconds * (_ENDPOINTS - 1)
        others = paths[1:]
        await self._until(lambda: sum(len(self._found.arrived[path]) for path in others) >= expected)
        times = [at - published[event_id] for path in others for event_id, _, at in self._found.arrived[path]]
        await self.clean()
        return Latencies(len(times), quantile(times, 0.5), quantile(times, 0.99))

    async def _until_behind(self, endpoint_id: int) -> None:
        """Until the group has read everything: its position does not move any more."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 3:
            total = await self._pool.fetchval(
                "SELECT coalesce(sum(next_offset), 0) FROM positions WHERE topic = $1", PhotoReady.topic
            )
            if total != last:
                last, since = total, time.monotonic()
            await asyncio.sleep(0.2)
        if not await self._pool.fetchval("SELECT count(*) FROM cursors WHERE endpoint_id = $1", endpoint_id):
            raise SystemExit("the endpoint is not behind")

    async def _until(self, done: Callable[[], bool]) -> None:
        ends = time.monotonic() + _PATIENCE_SECONDS
        while not done():
            if time.monotonic() > ends:
                raise SystemExit("not everything arrived in time")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _sender(authority: Path) -> AsyncIterator[None]:
    """The program as a process of its own, which may call the receivers."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("PHOTOMESH_", "OTEL_"))}
    environment = local.environment(_STACK, _PROGRAM)
    changes = {
        "PHOTOMESH_OUTBOUND_TEST_RECEIVERS": f'["{HOST}:{PORT}"]',
        "PHOTOMESH_LOG_LEVEL": "warning",
        "SSL_CERT_FILE": str(authority),
    }
    port = local.Stack(_STACK).ports["WEBHOOK_SENDER"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "photomesh_webhook.sender", env=given | environment | changes, stdout=subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    if process.returncode is not None:
                        raise SystemExit("the sender ended") from None
                await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        await process.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.webhooks", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="that an endpoint missed (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=30, help="of each round beside a tarpit (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="with the tarpit, and without (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="2,000 events, one round of 10 s each")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.events, arguments.seconds, arguments.rounds = 2_000, 10, 1
    return arguments


async def _measure(arguments: argparse.Namespace) -> tuple[CaughtUp, list[Latencies], list[Latencies]]:
    environment = local.environment(_STACK, _PROGRAM)
    box = SecretBox(*environment["PHOTOMESH_KEY_ENCRYPTION_SECRET"].split(","))
    generator = IdGenerator(15, os.getpid() % 1024, SystemClock())
    with tempfile.TemporaryDirectory() as folder:
        async with (
            asyncpg.create_pool(environment["PHOTOMESH_POSTGRES_DSN"], min_size=1, max_size=4) as pool,
            open_publisher(kafka_user(), "benchmark") as publisher,
            receivers(Path(folder)) as (found, authority),
            _sender(authority),
        ):
            bench = Bench(pool, publisher, found, box, generator)
            print(f"… {arguments.events:,} events while an endpoint is down", flush=True)
            caught_up = await bench.catch_up(arguments.events)
            without, beside = list[Latencies](), list[Latencies]()
            for number in range(arguments.rounds):
                print(f"… {_ENDPOINTS} endpoints, round {number + 1} of {arguments.rounds}", flush=True)
                without.append(await bench.latencies(arguments.seconds, tarpit=False, number=2 * number))
                beside.append(await bench.latencies(arguments.seconds, tarpit=True, number=2 * number + 1))
    return caught_up, without, beside


def _report(
    caught_up: CaughtUp, without: Sequence[Latencies], beside: Sequence[Latencies], command: str, load_before: float
) -> str:
    plain, held = (median(one.p99 for one in rounds) for rounds in (without, beside))
    shift = held / plain - 1
    lines = [
        "# Webhooks",
        "",
        f"`{command}` on {machine()}, load {load_before:.1f} before. One sender; Kafka, PostgreSQL, the receivers and"
        " the benchmark share the cores.",
        "",
        f"**An endpoint that was down for half an hour** (simulated: its circuit is as that leaves it, and its next"
        f" probe as far away as can be) and missed {caught_up.events:,} events: the probe came after"
        f" {caught_up.noticed:.1f} s, everything had arrived after **{caught_up.all:.1f} s** (aim: {_AIM_SECONDS});"
        f" {caught_up.out_of_order} subjects out of order, {caught_up.repeated} requests repeated.",
        "",
        f"**One of {_ENDPOINTS} endpoints hangs**: from publication to arrival at the others, two events a second"
        " each:",
        "",
        "| | events | median | P99 |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {sum(one.events for one in rounds):,} | {ms(median(one.p50 for one in rounds))} |"
            f" {ms(median(one.p99 for one in rounds))} ({', '.join(ms(one.p99) for one in rounds)}) |"
            for name, rounds in (("without", without), ("beside it", beside))
        ),
        "",
        f"It moves the others' P99 by **{shift:+.0%}** (aim: at most {_AIM_SHIFT:+.0%}; medians of rounds in turn).",
    ]
    summary = {
        "caught_up": asdict(caught_up),
        "without": [asdict(one) for one in without],
        "beside": [asdict(one) for one in beside],
        "p99_shift": round(shift, 3),
        "load_before": load_before,
    }
    return write("webhooks", lines, summary)


def main() -> None:
    arguments = _arguments()
    print("… bringing up the test stack's servers", flush=True)
    local.up(_STACK, only="servers")
    for program in local.services_of(_STACK):  # those that were up would take a share of the partitions
        local.stop(_STACK, program)
    load_before = os.getloadavg()[0]
    caught_up, without, beside = asyncio.run(_measure(arguments))
    command = "make bench-webhooks" + (" ARGS=--quick" if arguments.quick else "")
    print(_report(caught_up, without, beside, command, load_before))


if __name__ == "__main__":
    main()
