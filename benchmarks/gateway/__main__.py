"""``python -m benchmarks.gateway``: see the package."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import photomesh_local as local
from benchmarks.gateway import load, report
from benchmarks.gateway.processes import Target, running
from benchmarks.gateway.report import Case, Sample

_PATH = "/v1/photos/p_8aB3x9Q2"
_POST = ("/v1/posts", '{"photo_ids":["p_8aB3x9Q2"],"caption":"Evening by the lake with @grace #sunset","place":null}')
_COMPARED = ("straight", "bare proxy", "gateway")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="of all targets in turn (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="for each target in a round (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="at once (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="5 rounds of 1 second")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 5, 1
    return arguments


def _cases(connections: int) -> list[Case]:
    return [
        Case(f"GET, {connections} connections", _PATH, None, connections),
        Case(f"POST, {connections} connections", *_POST, connections),
        Case("GET, 1 connection", _PATH, None, 1),
    ]


def _sample(target: Target, case: Case, seconds: int, cores: Sequence[int]) -> Sample:
    before = target.cpu_seconds()
    done = load.run(
        target.url + case.path,
        token=target.token,
        body=case.body,
        connections=case.connections,
        seconds=seconds,
        cores=cores,
    )
    if done.failed:
        raise SystemExit(f"{target.name}: {done.failed} of {done.requests} requests failed")
    return Sample(done, (target.cpu_seconds() - before) / done.requests)


def _measure(targets: dict[str, Target], arguments: argparse.Namespace, cores: Sequence[int]) -> report.Samples:
    """Round after round, all targets in turn, so that whatever else the machine does meets all of them alike."""
    samples: report.Samples = {}
    cases = _cases(arguments.connections)
    for number in range(arguments.rounds + 1):
        print(f"… round {number} of {arguments.rounds}", flush=True)
        for case in cases:
            for name, target in targets.items():
                if case is not cases[0] and name not in _COMPARED:
                    continue
                sample = _sample(target, case, arguments.seconds if number else 1, cores)
                if number:  # the first round warms up
                    samples.setdefault(case, {}).setdefault(name, []).append(sample)
    return samples


@contextmanager
def _redis_on(cores: Sequence[int]) -> Iterator[None]:
    """Keeps Redis off the proxies' core."""
    pid = local.pid("test", "redis")
    before = os.sched_getaffinity(pid)
    if cores:
        os.sched_setaffinity(pid, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(pid, before)


def main() -> None:
    arguments = _arguments()
    cores = sorted(os.sched_getaffinity(0))
    proxy_core, other_cores = (cores[:1], cores[1:]) if len(cores) > 1 else ([], [])
    with tempfile.TemporaryDirectory() as folder:
        traces = Path(folder, "spans.jsonl")
        with running(proxy_core=proxy_core, other_core=other_cores, traces=traces) as targets, _redis_on(other_cores):
            samples = _measure(targets, arguments, other_cores)
    report.write(samples, rounds=arguments.rounds, seconds=arguments.seconds, pinned=bool(other_cores))


if __name__ == "__main__":
    main()
