"""The type of a file by its first bytes. Names and announced types are never trusted."""

from __future__ import annotations

from photomesh_media_worker.domain import PhotoType, Rejection

__all__ = ["SNIFF_BYTES", "sniff"]

SNIFF_BYTES = 256
"""How much of a file `sniff` looks at."""

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_STRUCTURAL_BRANDS = {b"mif1", b"mif2", b"msf1", b"miaf"}


def sniff(data: bytes) -> PhotoType:
    """Raises Rejection `unsupported-type` (or `empty`, or `truncated` for a few bytes that could become a photo)."""
    head = data[:SNIFF_BYTES]
    if not head:
        raise Rejection("empty")
    if head.startswith(b"\xff\xd8\xff"):
        return PhotoType.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PhotoType.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return PhotoType.WEBP
    if head[4:8] == b"ftyp":
        return _isobmff(head)
    if len(head) < 12 and _could_become_a_photo(head):
        raise Rejection("truncated", "the signature is cut")
    raise Rejection("unsupported-type")


def _could_become_a_photo(head: bytes) -> bool:
    signatures = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
    return any(s.startswith(head[: len(s)]) for s in signatures) or (
        head.startswith(b"\0") and b"ftyp".startswith(head[4:8])
    )


def _isobmff(head: bytes) -> PhotoType:
    size = int.from_bytes(head[:4])
    if len(head) < min(size, SNIFF_BYTES) or len(head) < 16:
        raise Rejection("truncated", "the file type box is cut")
    brands = [head[at : at + 4] for at in range(16, min(size, len(head)) - 3, 4)]
    for brand in (head[8:12], *(brands if head[8:12] in _STRUCTURAL_BRANDS else ())):
        if brand in _AVIF_BRANDS:
            return PhotoType.AVIF
        if brand in _HEIC_BRANDS:
            return PhotoType.HEIC
    raise Rejection("unsupported-type", f"brand {head[8:12]!r}")
