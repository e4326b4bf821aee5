"""63-bit Snowflake ids and their wire format.

Layout, from the high bit: 41 bits of milliseconds since 2024-01-01 UTC, 4 of region, 10 of worker, 8 of sequence.
In databases an id is a BIGINT; on the wire it is a prefix and base62, such as ``p_8aB3x9Q2``, because a JSON number
of 63 bits loses digits in a browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

if TYPE_CHECKING:
    from photomesh_shared.clock import Clock

__all__ = [
    "CollectionId",
    "CommentId",
    "CreationId",
    "IdGenerator",
    "KeyRecord",
    "PhotoId",
    "PostId",
    "SessionId",
    "UploadId",
    "UserId",
    "decode",
    "encode",
    "region_of",
    "timestamp_of",
]

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
REGION_BITS, WORKER_BITS, SEQUENCE_BITS = 4, 10, 8
MAX_REGION, MAX_WORKER, MAX_SEQUENCE = (1 << REGION_BITS) - 1, (1 << WORKER_BITS) - 1, (1 << SEQUENCE_BITS) - 1
MAX_ID = (1 << 63) - 1
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_MAX_DIGITS = 11  # 62**11 > 2**63
_ABSENT = 0  # generated never: it would be the first id of the epoch's first millisecond


def encode(prefix: str, value: int) -> str:
    """Return the wire form of an id: ``encode("p", 1) == "p_1"``."""
    if not 0 <= value <= MAX_ID:
        raise ValueError(f"not an id: {value}")
    digits = ""
    while True:
        value, digit = divmod(value, 62)
        digits = _ALPHABET[digit] + digits
        if not value:
            return f"{prefix}_{digits}"


def decode(prefix: str, text: str) -> int:
    """Parse the wire form of an id. Raises ValueError for another prefix, or for text that `encode` does not
    produce."""
    head, _, digits = text.partition("_")
    if head != prefix or not 1 <= len(digits) <= _MAX_DIGITS or (digits[0] == "0" and digits != "0"):
        raise ValueError(f"must look like {prefix}_8aB3x9Q2")
    value = 0
    for digit in digits:
        if digit not in _VALUE:
            raise ValueError(f"must look like {prefix}_8aB3x9Q2")
        value = value * 62 + _VALUE[digit]
    if value > MAX_ID:
        raise ValueError(f"must look like {prefix}_8aB3x9Q2")
    return value


def timestamp_of(value: int) -> datetime:
    """Return the id's time of creation, to the millisecond."""
    return EPOCH + timedelta(milliseconds=value >> (REGION_BITS + WORKER_BITS + SEQUENCE_BITS))


def region_of(value: int) -> int:
    """Return the number (0–15) of the region that generated the id."""
    return value >> (WORKER_BITS + SEQUENCE_BITS) & MAX_REGION


@dataclass(frozen=True)
class CreationId:
    """The id of the resource that a request creates. `repeated`: an earlier attempt may have created it."""

    id: int
    repeated: bool = False


@dataclass(frozen=True)
class KeyRecord:
    """What is kept of an idempotency key: 56 bytes, whatever the request and its response were."""

    name: bytes  # hash of caller, path and key, 16 bytes
    fingerprint: bytes  # hash of the request, 32 bytes
    creation_id: int


class IdGenerator:
    """Generates increasing, unique ids, provided that no other generator has the same region and worker number.

    If the 256 ids of a millisecond are used up, or the clock steps back, it runs ahead of the clock rather than wait:
    ids stay ordered, and their timestamps are off by that difference.
    """

    def __init__(self, region: int, worker: int, clock: Clock) -> None:
        if not 0 <= region <= MAX_REGION or not 0 <= worker <= MAX_WORKER:
            raise ValueError(f"region must be 0–{MAX_REGION} and worker 0–{MAX_WORKER}")
        self._machine = (region << WORKER_BITS | worker) << SEQUENCE_BITS
        self._clock = clock
        self._last_ms = 0
        self._sequence = 0

    def next(self) -> int:
        now_ms = (self._clock.now() - EPOCH) // timedelta(milliseconds=1)
        if now_ms > self._last_ms:
            self._last_ms, self._sequence = now_ms, 0
        elif self._sequence < MAX_SEQUENCE:
            self._sequence += 1
        else:
            self._last_ms, self._sequence = self._last_ms + 1, 0
        return self._last_ms << (REGION_BITS + WORKER_BITS + SEQUENCE_BITS) | self._machine | self._sequence


def _from_wire(prefix: str) -> BeforeValidator:
    documented = re.compile(_pattern(prefix))

    def validate(value: object) -> object:
        """Parse an id. Text that matches the documented pattern, but is no id's wire form, becomes the id of nothing:
        to a client it is as well-formed as any other id that does not exist."""
        if not isinstance(value, str):
            return value
        try:
            return decode(prefix, value)
        except ValueError:
            if documented.fullmatch(value):
                return _ABSENT
            raise

    return BeforeValidator(validate)


def _pattern(prefix: str) -> str:
    return f"^{prefix}_[0-9A-Za-z]{{1,{_MAX_DIGITS}}}$"


def _to_wire(prefix: str) -> PlainSerializer:
    return PlainSerializer(lambda value: encode(prefix, value), return_type=str, when_used="json")


def _schema(prefix: str, noun: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": _pattern(prefix),
            "examples": [f"{prefix}_8aB3x9Q2"],
            "description": f"Id of {noun}.",
        }
    )


_InRange = Field(strict=True, ge=0, le=MAX_ID)  # strict: `true` and `1.0` are not ids

UserId = Annotated[int, _InRange, _from_wire("u"), _to_wire("u"), _schema("u", "an account")]
PhotoId = Annotated[int, _InRange, _from_wire("p"), _to_wire("p"), _schema("p", "a photo")]
PostId = Annotated[int, _InRange, _from_wire("o"), _to_wire("o"), _schema("o", "a post")]
UploadId = Annotated[int, _InRange, _from_wire("up"), _to_wire("up"), _schema("up", "an upload")]
CommentId = Annotated[int, _InRange, _from_wire("c"), _to_wire("c"), _schema("c", "a comment")]
CollectionId = Annotated[int, _InRange, _from_wire("k"), _to_wire("k"), _schema("k", "a collection of saved posts")]
SessionId = Annotated[int, _InRange, _from_wire("ss"), _to_wire("ss"), _schema("ss", "a log-in session")]
