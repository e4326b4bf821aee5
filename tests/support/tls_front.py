"""A server that ends TLS in front of one that does not speak it, as a managed Kafka's or Cassandra's address does."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

__all__ = ["TlsFront", "kafka_addresses", "tls_front"]

HOST = "127.0.0.1"
_PIECE = 65_536


@dataclass
class TlsFront:
    behind: tuple[str, int]
    port: int = 0
    connections: int = 0
    """That were encrypted: the handshake was completed."""
    rewrite: Callable[[bytes], bytes] | None = None
    """Changes each answer, which begins with its length."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            their_reader, their_writer = await asyncio.open_connection(*self.behind)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, their_writer))
                    group.create_task(_answers(their_reader, writer, self.rewrite))
            except* (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                their_writer.close()
                writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    raise ConnectionResetError  # which ends the other direction, too


async def _answers(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rewrite: Callable[[bytes], bytes] | None
) -> None:
    if rewrite is None:
        await _copy(reader, writer)
        return
    while True:
        head = await reader.readexactly(4)
        body = await reader.readexactly(struct.unpack(">i", head)[0])
        writer.write(head + rewrite(body))
        await writer.drain()


def kafka_addresses(front: TlsFront) -> Callable[[bytes], bytes]:
    """Replaces the broker's address in its answers: clients go where these say, and that would be past the front."""
    host, port = front.behind

    def rewrite(body: bytes) -> bytes:
        for length in (struct.pack(">h", len(host)), bytes([len(host) + 1])):  # earlier versions, and later ones
            body = body.replace(
                length + host.encode() + struct.pack(">i", port), length + host.encode() + struct.pack(">i", front.port)
            )
        return body

    return rewrite


@asynccontextmanager
async def tls_front(behind: tuple[str, int], context: ssl.SSLContext) -> AsyncIterator[TlsFront]:
    front = TlsFront(behind)
    async with await asyncio.start_server(front.serve, HOST, 0, ssl=context) as server:
        front.port = server.sockets[0].getsockname()[1]
        yield front
