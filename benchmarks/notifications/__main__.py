"""``python -m benchmarks.notifications``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os

import photomesh_local as local
from benchmarks.load import Request, send
from benchmarks.notifications.burst import burst
from benchmarks.notifications.live import live
from benchmarks.notifications.others import others_stopped, settled
from benchmarks.notifications.report import Results, report
from benchmarks.notifications.stage import STACK, open_stage, say
from benchmarks.upload.usage import processor_seconds, used_since

_RATE = 200
_WHOLE_SECONDS = 15


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.notifications", description=__doc__)
    parser.add_argument("--likes", type=int, default=50_000, help="each by another person (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="in which they come (default: %(default)s)")
    parser.add_argument("--readers", type=int, default=1_000, help="who listen and read (default: %(default)s)")
    parser.add_argument("--steady", type=int, default=30, help="seconds of each steady load (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="5,000 likes in 6 seconds, 200 readers, 10 s")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.likes, arguments.seconds, arguments.readers, arguments.steady = 5_000, 6, 200, 10
    return arguments


async def _measure(arguments: argparse.Namespace, load_before: float) -> Results:
    async with open_stage(arguments.likes, arguments.readers) as stage:
        of_burst = await burst(stage, arguments.seconds)
        async with others_stopped():
            alone = await live(stage, _RATE, arguments.steady)
            await settled()
            say(f"lists of {len(stage.readers):,} readers")
            requests = [Request("GET", "/v1/notifications", reader.token) for reader in stage.readers]
            used = processor_seconds(STACK)
            lists = await asyncio.to_thread(
                send, stage.gateway, requests, connections=64, rate=_RATE, seconds=arguments.steady
            )
            cpu = used_since(used, processor_seconds(STACK))
        await settled()
        whole = await live(stage, _RATE, min(arguments.steady, _WHOLE_SECONDS))
    return Results(load_before, of_burst, alone, whole, lists, cpu, arguments.readers)


def main() -> None:
    arguments = _arguments()
    say(f"bringing up the {STACK} stack")
    local.up(STACK)
    results = asyncio.run(_measure(arguments, os.getloadavg()[0]))
    print(report(results, "make bench-notifications" + (' ARGS="--quick"' if arguments.quick else "")))


if __name__ == "__main__":
    main()
