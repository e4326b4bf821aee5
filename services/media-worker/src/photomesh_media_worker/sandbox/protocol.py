"""How the worker, the fork server and the decoding processes talk.

The fork server is told, in one message each on its control socket:

    start   with the child's socket and a pipe; answered with the child's process id. When the child has ended, its exit
            code is written to the pipe: negative for a signal
    kill    and a process id, for a child that may have ended already

A child is sent the length of a photo and the photo. Its answer is written here, and checked in `checks`:

    4 bytes   length of the header
    4 bytes   length of the pictures together
    header    JSON: {"ready": {…}} or {"rejected": {…}} or {"failed": "…"}
    pictures  one after the other, as long as the header says of each
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from typing import Any

from photomesh_media_worker.domain import Processed, Rejected

__all__ = ["EXIT_CODE", "HEAD", "KILL", "PROCESS_ID", "SIZE", "START", "encode_failure", "encode_outcome"]

START, KILL = b"start", b"kill "
PROCESS_ID = EXIT_CODE = struct.Struct(">q")
SIZE = struct.Struct(">Q")
HEAD = struct.Struct(">II")


def encode_outcome(outcome: Processed | Rejected) -> bytes:
    if isinstance(outcome, Rejected):
        rejected = {"code": outcome.reason.code, "detail": outcome.detail, "type": outcome.type}
        return _encode({"rejected": rejected})
    pictures = [variant.jpeg for variant in outcome.variants]
    ready: dict[str, Any] = {
        **{name: getattr(outcome, name) for name in _AS_THEY_ARE},
        "camera": asdict(outcome.camera),
        "variants": [
            {"size": variant.size, "width": variant.width, "height": variant.height, "bytes": len(variant.jpeg)}
            for variant in outcome.variants
        ],
    }
    return _encode({"ready": ready}, *pictures)


_AS_THEY_ARE = ("type", "width", "height", "size_bytes", "sha256", "phash", "placeholder", "private", "seconds")


def encode_failure(detail: str) -> bytes:
    """For what must not happen: an exception that is not the photo's fault."""
    return _encode({"failed": detail[-2000:]})


def _encode(header: dict[str, Any], *pictures: bytes) -> bytes:
    text = json.dumps(header, allow_nan=False).encode()
    return b"".join((HEAD.pack(len(text), sum(map(len, pictures))), text, *pictures))
