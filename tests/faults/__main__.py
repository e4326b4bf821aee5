"""Random faults against the whole mesh while a society acts on it.

Rounds follow one another until time is up. In each, people act, upload, and leave for good, while services and servers
are killed, paused, stopped and cut off, groups are put back and Redis is emptied as a schedule says. When the faults of
a round are over, the mesh must heal by itself and agree with a model of the society. With --outages, each round stops
one server for one of these lengths instead. A seed repeats the schedules, not the exact timing.

The test stack's data is removed first. Exits with 1 if anything was violated.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

import photomesh_local as local
from photomesh_local.servers import SERVERS
from tests.faults.evidence import Evidence
from tests.faults.injection import kinds_of_faults
from tests.faults.rounds import Run, Society, play, settled
from tests.faults.schedule import Fault, outages, schedule
from tests.support.servers import Servers, open_servers

_PATIENCE = 300.0
_STARTS = 3
_TURNS = 4
"""Rounds of a society, after which there is a new one: its posts grow more with each."""
_MOST_BYTES = 4_000_000_000
"""What the stack may store; then it begins again with nothing."""


@dataclass(frozen=True)
class Options:
    seed: int
    minutes: float
    first: int
    faults_seconds: float
    outages: Sequence[float]
    servers: Sequence[str]

    def again(self, number: int) -> str:
        """The command that plays a round once more."""
        if self.outages:
            return f"make faults OUTAGES='{' '.join(f'{length:g}' for length in self.outages)}' SEED={self.seed}"
        return f"make faults SEED={self.seed} ARGS='--first {number}'"


def rounds(options: Options) -> Iterator[tuple[int, list[Fault]]]:
    """Numbers with faults. Each round has dice of its own, so that one can be played without the others."""
    if options.outages:
        yield from enumerate(outages(options.servers, options.outages), 1)
        return
    kinds = kinds_of_faults()
    ends = time.monotonic() + options.minutes * 60
    number = options.first
    while time.monotonic() < ends:
        yield number, schedule(random.Random(f"{options.seed} {number}"), kinds, options.faults_seconds)
        number += 1


def fresh(servers: Servers) -> None:
    """Start every service, on servers whose schema outlives a kill."""
    # The test stack does not flush changes of the schema. An orderly end does.
    servers.restart("cassandra")
    for left in reversed(range(_STARTS)):
        try:
            servers.start_services()
            return
        except local.StackError:  # beside other work, thirty programs may take longer than they are given
            if not left:
                raise


def size(folder: Path) -> int:
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*"))


async def main(options: Options) -> int:
    evidence = Evidence(f"seed-{options.seed}" + ("-outages" if options.outages else ""))
    evidence.say(f"seed {options.seed}: {options.again(options.first)}")
    local.clean("test")
    played = failed = 0
    society: Society | None = None
    with open_servers() as servers:
        fresh(servers)
        async with httpx.AsyncClient(timeout=15, limits=httpx.Limits(max_connections=50)) as http:
            run = Run(servers, http, evidence.say, _PATIENCE + max(options.outages, default=0))
            for number, faults in rounds(options):
                evidence.say(f"round {number}: {'; '.join(map(str, faults)) or 'no fault'}")
                dice, before = random.Random(f"{options.seed} {number} society"), len(run.violations)
                try:
                    society = society or await settled(run, dice)
                    whole = await play(run, society, dice, faults)
                except Exception as error:
                    run.violations.append(f"round {number}: {error!r}")
                    evidence.say(f"  VIOLATED: {error!r}")
                    whole = False
                played, failed = played + 1, failed + (not whole)
                if not whole:
                    evidence.keep(number, options.again(number), faults, run.violations[before:])
                if not whole or society is None or society.turns == _TURNS:
                    society = None
                    if size(local.Stack("test").directory) > _MOST_BYTES:
                        evidence.say("the stack has stored enough: it begins again")
                        local.clean("test")
                        local.up("test", only="servers")
                        fresh(servers)
                        run.marks, run.known = [], None
    evidence.say(f"seed {options.seed}: {played} rounds, {failed} of them with {len(run.violations)} violations")
    for line in run.violations:
        evidence.say(f"  {line}")
    return 1 if run.violations else 0


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="make faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10, help="how long (a round that has begun is not cut short)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of faults and actions (random)")
    parser.add_argument("--first", type=int, default=1, help="the round to begin with")
    parser.add_argument("--faults-seconds", type=float, default=45, help="of a round, in which faults begin")
    parser.add_argument(
        "--outages", type=float, nargs="+", default=[], metavar="SECONDS", help="instead: outages of each server"
    )
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=SERVERS, help="those of --outages")
    chosen = parser.parse_args()
    return Options(chosen.seed, chosen.minutes, chosen.first, chosen.faults_seconds, chosen.outages, chosen.servers)


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # clients of servers that are down say much, each second
    sys.exit(asyncio.run(main(_options())))
