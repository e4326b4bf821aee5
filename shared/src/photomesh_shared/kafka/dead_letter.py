"""Dead letters: records that a group could not handle, stored with the error in ``<topic>.<group>.dlt``.

Key, value and headers are unchanged; ``dlt_…`` headers describe the failure, so that the record can be inspected, and
replayed once the cause is fixed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from photomesh_shared.events import Record, dead_letter_topic
from photomesh_shared.kafka.source import Partition, Received

__all__ = ["Cause", "dead_letter", "origin", "restore"]

Cause = Literal["undecodable", "invalid", "exhausted"]
_MAX_ERROR_CHARACTERS = 1000


def dead_letter(
    received: Received, *, group: str, cause: Cause, error: BaseException, attempts: int, now: datetime
) -> Record:
    """Return the record for the dead-letter topic."""
    reason = {
        "dlt_cause": cause,
        "dlt_error": f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARACTERS],
        "dlt_attempts": str(attempts),
        "dlt_topic": received.partition.topic,
        "dlt_partition": str(received.partition.number),
        "dlt_offset": str(received.offset),
        "dlt_group": group,
        "dlt_time": now.isoformat(),
    }
    return Record(
        topic=dead_letter_topic(received.partition.topic, group),
        key=received.record.key,
        value=received.record.value,
        headers=(*restore(received.record).headers, *((name, text.encode()) for name, text in reason.items())),
    )


def restore(record: Record) -> Record:
    """Return the original record of a dead letter, addressed to its own topic."""
    return Record(
        topic=record.header("dlt_topic") or record.topic,
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if not name.startswith("dlt_")),
    )


def origin(letter: Received) -> Partition:
    """Return the partition from which a dead letter came."""
    record = letter.record
    return Partition(record.header("dlt_topic") or record.topic, int(record.header("dlt_partition") or 0))
