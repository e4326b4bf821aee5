"""The transport that coalesces writes, on a connection that its peer has closed."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from photomesh_shared.http.serving.transport import LingeringTransport


class Connection:
    """A transport as uvloop's: it refuses to write once it is closed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, piece: bytes) -> None:
        if self.closed:
            raise RuntimeError("the handler is closed")
        self.written.append(piece)

    def is_closing(self) -> bool:
        return self.closed


async def written(*, peer_leaves: bool) -> tuple[list[bytes], list[dict[str, Any]]]:
    """What of two pieces reaches the connection, and the errors that the event loop reported."""
    loop, connection, errors = asyncio.get_running_loop(), Connection(), []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    transport = LingeringTransport(cast("asyncio.Transport", connection), loop, write_seconds=1)
    transport.write(b"head")
    transport.write(b"body")
    connection.closed = peer_leaves
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    return connection.written, errors


async def test_pieces_are_written_together() -> None:
    assert await written(peer_leaves=False) == ([b"headbody"], [])


async def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    assert await written(peer_leaves=True) == ([], [])
