"""Exports and their rules. Pure."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from photomesh_shared import ids
from photomesh_shared.internal_api.confirmation import ExportNoticeKind
from photomesh_shared.object_keys import original_key

__all__ = [
    "RUNNING",
    "Export",
    "ExportFile",
    "ExportPart",
    "ExportSection",
    "Lease",
    "Notice",
    "Progress",
    "Proof",
    "SectionState",
    "State",
    "file_name",
    "file_of",
    "may_start_at",
    "parts_of",
    "zip_name",
]

_DAY = timedelta(days=1)
_EXTENSIONS = {"image/jpeg": ".jpg", "image/heic": ".heic", "image/heif": ".heif", "image/avif": ".avif"}
_MAX_STEM = 60


class State(StrEnum):
    QUEUED = "queued"
    COLLECTING = "collecting"
    PACKING = "packing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


RUNNING = (State.QUEUED, State.COLLECTING, State.PACKING)


class SectionState(StrEnum):
    PENDING = "pending"
    COLLECTED = "collected"
    FAILED = "failed"


@dataclass(frozen=True)
class Export:
    """`attempts`: of workers since the last checkpoint, this one included."""

    id: int
    account_id: int
    prefix: str
    state: State
    created_at: datetime
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: int = 0

    def chunk_key(self, section: str, number: int) -> str:
        """Return the key of some of a section's items, one in each line."""
        return f"{self.prefix}/work/{section}/{number:06}.jsonl"

    def part_key(self, number: int, token: str) -> str:
        """Return the key of a zip. `token`: of the worker's lease, so that one that has lost it overwrites nothing."""
        return f"{self.prefix}/parts/{number:04}-{token}.zip"


@dataclass(frozen=True)
class Lease:
    """A worker's exclusive right to an export, until it ends or is not renewed."""

    export: Export
    token: str


@dataclass(frozen=True)
class ExportSection:
    """`position`: the cursor of the next page to collect."""

    name: str
    state: SectionState = SectionState.PENDING
    position: str | None = None
    items: int = 0
    bytes: int = 0
    chunks: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class ExportFile:
    """A photo to pack: `name` is that in the zip, `problem` why it is missing or not whole."""

    number: int
    name: str
    object_key: str
    etag: str | None
    size_bytes: int
    modified_at: datetime
    part: int | None = None
    problem: str | None = None


@dataclass(frozen=True)
class ExportPart:
    """A zip that is stored."""

    number: int
    object_key: str
    size_bytes: int
    sha256: str
    completed_at: datetime


@dataclass(frozen=True)
class Progress:
    """An export as its owner sees it. `parts_planned` is 0 until everything is collected."""

    export: Export
    sections: Sequence[ExportSection] = ()
    parts: Sequence[ExportPart] = ()
    parts_planned: int = 0
    originals: int = 0
    originals_failed: int = 0


def may_start_at(earlier: Iterable[Export], now: datetime, *, pause: timedelta, max_starts: int) -> datetime:
    """Return when an account may begin its next export: now, or a later time. `earlier`: its exports of the last day
    and of the last pause."""
    earlier = list(earlier)
    allowed = [now]
    # Of a completed one only: a failed or cancelled export may be begun again at once.
    allowed += [one.created_at + pause for one in earlier if one.state in (State.COMPLETED, State.EXPIRED)]
    starts = sorted((one.created_at for one in earlier if one.created_at > now - _DAY), reverse=True)
    if len(starts) >= max_starts:
        allowed.append(starts[max_starts - 1] + _DAY)
    return max(allowed)


def file_of(original: dict[str, Any]) -> ExportFile:
    """Return the file of an item of the section `originals`."""
    upload_id, photo_id = original["upload_id"], original["photo_id"]
    uploaded_at = datetime.fromisoformat(original["uploaded_at"])
    return ExportFile(
        number=ids.decode("p", photo_id),
        name=file_name(photo_id, uploaded_at, original["content_type"], original.get("filename")),
        object_key=original_key(ids.decode("up", upload_id)),
        etag=original.get("etag"),
        size_bytes=original["size_bytes"],
        modified_at=uploaded_at,
    )


def file_name(photo_id: str, uploaded_at: datetime, content_type: str, given: str | None) -> str:
    """Return the name of a photo in the zip: by time, unique by the photo's id, and with the name that the owner's
    camera gave it, as far as it is harmless."""
    extension = _EXTENSIONS.get(content_type) or mimetypes.guess_extension(content_type) or ".bin"
    stem = re.sub(r"[^\w-]+", "_", PurePosixPath(given or "").stem)[:_MAX_STEM].strip("_")
    return f"originals/{uploaded_at:%Y-%m-%d}_{photo_id}{f'_{stem}' if stem else ''}{extension}"


def parts_of(sizes: Iterable[int], limit: int) -> list[int]:
    """Return for each file the number of its part, from 1: in order, as many as fit. A larger file is alone in one."""
    parts: list[int] = []
    part, used = 1, 0
    for size in sizes:
        if used and used + size > limit:
            part, used = part + 1, 0
        used += size
        parts.append(part)
    return parts


def zip_name(export: Export, number: int) -> str:
    """Return the name under which a part is downloaded."""
    account = ids.encode("u", export.account_id)
    return f"photomesh-{account}-{export.created_at:%Y-%m-%d}-{number}.zip"


@dataclass(frozen=True)
class Proof:
    """What shows that the owner asks, and not a thief of a token."""

    session_id: int
    password: str = field(repr=False)
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Notice:
    """A mail about an export that is to be sent to its owner, and the time that it speaks of."""

    kind: ExportNoticeKind
    export_id: int
    account_id: int
    at: datetime
