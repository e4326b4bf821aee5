"""Dead letters: records that a group could not handle, kept with the reason in ``<topic>.<group>.dlt``.

Key, value and headers stay as they were; ``dlt_…`` headers say what happened, so that a record can be looked at,
and sent again once the cause is mended.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from photomesh_shared.events import Record, dead_letter_topic
from photomesh_shared.kafka.source import Received

__all__ = ["Cause", "dead_letter", "restore"]

Cause = Literal["undecodable", "invalid", "exhausted"]
_MAX_ERROR_CHARACTERS = 1000


def dead_letter(
    received: Received, *, group: str, cause: Cause, error: BaseException, attempts: int, now: datetime
) -> Record:
    """The record to put aside."""
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
    """The record as it was before it was put aside, bound for its own topic again."""
    return Record(
        topic=record.header("dlt_topic") or record.topic,
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if not name.startswith("dlt_")),
    )
