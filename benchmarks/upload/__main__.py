"""``python -m benchmarks.upload``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os

import photomesh_local as local
from benchmarks.upload import load, report
from benchmarks.upload.photos import camera_photo
from photomesh_media_worker.settings import Settings as WorkerSettings

_DISTINCT_PHOTOS = 6


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.upload", description=__doc__)
    parser.add_argument("--stack", choices=["test", "dev"], default="test", help="dev limits rates; test does not")
    parser.add_argument("--photos", type=int, default=120, help="uploads, one after the other (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="how long to saturate (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=8, help="clients that saturate (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="30 uploads, 10 seconds")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.photos, arguments.seconds = 30, 10.0
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


async def _measure(arguments: argparse.Namespace) -> report.Results:
    stack = arguments.stack
    api = f"http://127.0.0.1:{local.Stack(stack).ports['GATEWAY']}"
    processes = int(WorkerSettings.model_fields["decoders"].default)
    load_before = os.getloadavg()[0]
    _say("making photos")
    photos = [camera_photo(seed) for seed in range(_DISTINCT_PHOTOS)]
    _say(f"{processes} processes with the pipeline alone, {arguments.seconds:g} s")
    alone = await load.pipeline_alone(photos, processes=processes, seconds=arguments.seconds)
    _say(f"{arguments.photos} photos, one after the other")
    times = await load.unloaded(api, photos, arguments.photos)
    _say(f"{arguments.clients} clients at once, {arguments.seconds:g} s")
    saturated = await load.saturated(stack, api, photos, clients=arguments.clients, seconds=arguments.seconds)
    return report.Results(
        photo_bytes=sum(map(len, photos)) // len(photos),
        seconds=dict(times.seconds),
        alone=alone,
        clients=arguments.clients,
        processes=processes,
        load_before=load_before,
        saturated=saturated,
    )


def main() -> None:
    arguments = _arguments()
    _say(f"bringing up the {arguments.stack} stack")
    local.up(arguments.stack)
    results = asyncio.run(_measure(arguments))
    print(report.write(results, "make bench-upload" + (' ARGS="--quick"' if arguments.quick else "")))


if __name__ == "__main__":
    main()
