"""Check that topics hold what the contract of events promises (docs/events.md)::

    python -m photomesh_shared.verify_topics                               # all topics
    python -m photomesh_shared.verify_topics posts follows --bootstrap kafka:9092
    python -m photomesh_shared.verify_topics --moved                       # after partitions were added

Reads from the earliest to the present end, without a consumer group. Checks of every record: the envelope and the
schema, key and subject against the content, the partition, versions, gaps of offsets where nothing is compacted yet,
tombstones after what ended, and repetitions of one `ce_id` with another content. Exits with 1 if anything is wrong,
with 2 if the topics could not be read.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.verify_topics.checks import Summary
from photomesh_shared.verify_topics.reading import verify

__all__ = ["main"]


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without an offset")
    return time


def describe(summary: Summary) -> str:
    """Return one line about a topic, and its violations below."""
    found = ", ".join(f"{count} {kind}" for kind, count in summary.problems.items()) or "sound"
    notes = "".join(f"; {count} {kind}" for kind, count in summary.notes.items())
    line = f"{summary.topic}: {summary.records} records, {summary.tombstones} tombstones: {found}{notes}"
    examples = [f"  {kind}: {text}" for kind, texts in summary.examples.items() for text in texts]
    return "\n".join([line, *examples])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_shared.verify_topics",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help="all by default")
    parser.add_argument("--bootstrap", help="default: PHOTOMESH_KAFKA_BOOTSTRAP")
    parser.add_argument("--since", type=_time, metavar="TIME", help="only records written since then")
    parser.add_argument("--moved", action="store_true", help="the topics have got more partitions")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="that share the partitions (default: one a CPU)"
    )
    options = parser.parse_args(arguments)
    if options.processes < 1:
        parser.error("at least one process is needed")
    if unknown := set(options.topics) - set(TOPICS):
        parser.error(f"not in the catalogue: {', '.join(sorted(unknown))}")
    settings = KafkaSettings(**({"kafka_bootstrap": options.bootstrap} if options.bootstrap else {}))
    began = time.monotonic()
    try:
        summaries = asyncio.run(
            verify(
                settings,
                options.topics or list(TOPICS),
                moved=options.moved,
                since=options.since,
                processes=options.processes,
            )
        )
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 2
    for summary in summaries:
        print(describe(summary))
    records, seconds = sum(summary.records for summary in summaries), time.monotonic() - began
    print(f"{records} records in {seconds:.1f} s: {records / seconds:,.0f} a second")
    return 0 if all(summary.is_sound for summary in summaries) else 1


if __name__ == "__main__":
    sys.exit(main())
