"""JPEG: whether a picture is whole whose end marker is missing, or in which a decoder met bytes that it did not expect.

libjpeg decodes what there is, fills the rest with grey, and warns. Of several warnings it reports only the first, and
there is no warning at all for scans of a progressive picture that never come. So the structure is checked here: every
scan that a picture needs, and in each scan every restart marker that its dimensions demand. Whether what lies between
two markers suffices is for a decoder to find out: see `padded`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from photomesh_media_worker.domain import Rejection
from photomesh_media_worker.headers.jpeg import (
    DRI,
    EOI,
    FRAMES,
    PROGRESSIVE,
    RESTARTS,
    SOS,
    Segment,
    segments,
)

__all__ = ["check_scans", "padded"]

_MAX_MARKERS = 200_000
"""A photo of 50 megapixels has 130,000 if it restarts at every sixth block."""
_FILLER = bytes(89 * number % 251 for number in range(1, 49))
"""Looks like picture data, and holds no marker."""


@dataclass(frozen=True)
class _Frame:
    progressive: bool
    width: int
    height: int
    sampling: dict[int, tuple[int, int]]
    """Horizontal and vertical factor of each component."""

    def units(self, components: Sequence[int]) -> int:
        """How many minimum coded units a scan of these components has (T.81, A.2)."""
        widest = max(h for h, _ in self.sampling.values())
        highest = max(v for _, v in self.sampling.values())
        if len(components) > 1:
            return _ceil(self.width, 8 * widest) * _ceil(self.height, 8 * highest)
        h, v = self.sampling[components[0]]
        return _ceil(_ceil(self.width * h, widest), 8) * _ceil(_ceil(self.height * v, highest), 8)


@dataclass(frozen=True)
class _Scan:
    components: Sequence[int]
    first: int
    last: int
    low_bit: int


def check_scans(data: bytes) -> None:
    """Raises Rejection `truncated` if scans or restart markers are missing, `corrupt` if they make no sense."""
    try:
        _check_scans(data)
    except (IndexError, KeyError, ValueError, ZeroDivisionError) as error:
        raise Rejection("corrupt", f"a frame or scan header is damaged: {error!r}") from error


def padded(data: bytes) -> bytes:
    """Puts bytes before every marker from the first scan on.

    A decoder skips them where it has read all that it needs. Where picture data is missing it takes them for picture
    data, so a picture that is not whole comes out different.
    """
    parts: list[bytes] = []
    done = 0
    for _, start, _, _ in _after_first_scan(data):
        parts += data[done:start], _FILLER
        done = start
    return b"".join((*parts, data[done:]))


def _check_scans(data: bytes) -> None:
    frame: _Frame | None = None
    interval = restarts = 0
    scan: _Scan | None = None
    bits: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for marker, _, _, body in segments(data, 2, limit=_MAX_MARKERS):
        if marker in RESTARTS and scan:
            if marker - RESTARTS.start != restarts % 8:
                raise Rejection("truncated", "a restart marker is missing")
            restarts += 1
            continue
        if scan and frame:
            if interval and restarts != _ceil(frame.units(scan.components), interval) - 1:
                raise Rejection("truncated", "restart markers are missing")
            for component in scan.components:
                bits[component] |= dict.fromkeys(range(scan.first, scan.last + 1), scan.low_bit)
            scan = None
        if marker in FRAMES:
            frame = _frame(marker, body)
        elif marker == DRI:
            interval = int.from_bytes(body[:2])
        elif marker == SOS:
            if frame is None:
                raise Rejection("corrupt", "a scan without a frame header")
            scan, restarts = _scan(body, progressive=frame.progressive), 0
        elif marker == EOI:
            break
    if frame is None or any(bits[component].get(k, 1) for component in frame.sampling for k in range(64)):
        raise Rejection("truncated", "scans are missing")


def _after_first_scan(data: bytes) -> Iterator[Segment]:
    """The markers that end picture data, up to the end marker."""
    scanning = False
    for segment in segments(data, 2, limit=_MAX_MARKERS):
        if scanning:
            yield segment
        if segment[0] == EOI:
            return
        scanning = scanning or segment[0] == SOS


def _frame(marker: int, body: bytes) -> _Frame:
    height, width, count = int.from_bytes(body[1:3]), int.from_bytes(body[3:5]), body[5]
    components = (body[at : at + 3] for at in range(6, 6 + 3 * count, 3))
    sampling = {identifier: (factors >> 4, factors & 15) for identifier, factors, _ in components}
    return _Frame(marker == PROGRESSIVE, width, height, sampling)


def _scan(body: bytes, *, progressive: bool) -> _Scan:
    count = body[0]
    components = [body[1 + 2 * number] for number in range(count)]
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    return _Scan(components, first, last, bits & 15) if progressive else _Scan(components, 0, 63, 0)


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
