"""Purging the CDN, against a local server that answers or hangs on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from photomesh_shared.errors import ServiceUnavailable
from photomesh_shared.stores.cdn import HttpCdn
from tests.support.waiting import eventually


class Layer:
    """A layer of the CDN."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.status = 200
        self.purged: list[str] = []
        self.open = self.most_open = 0
        self.url = ""

    async def busy(self) -> int:
        return self.open

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                try:
                    await self.answers.wait()
                finally:
                    self.open -= 1
                self.purged.append(head.split()[1].decode())
                writer.write(f"HTTP/1.1 {self.status} .\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def layer() -> AsyncIterator[Layer]:
    layer = Layer()
    server = await asyncio.start_server(layer.serve, "127.0.0.1", 0)
    layer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield layer
    layer.answers.set()
    server.close()


@pytest.fixture
async def cdn(layer: Layer) -> AsyncIterator[HttpCdn]:
    async with httpx.AsyncClient() as client:
        yield HttpCdn(client, [layer.url], public_url="http://cdn.example/variants")


async def test_a_purge_names_the_path_that_readers_use(layer: Layer, cdn: HttpCdn) -> None:
    layer.answers.set()
    await cdn.purge(["p_1/token/640.jpg"])
    assert layer.purged == ["/variants/p_1/token/640.jpg"]


async def test_a_refused_purge_is_an_error(layer: Layer, cdn: HttpCdn) -> None:
    layer.answers.set()
    layer.status = 405
    with pytest.raises(ServiceUnavailable):
        await cdn.purge(["p_1/token/640.jpg"])


async def test_many_purges_that_are_given_up_do_not_stop_later_ones(layer: Layer, cdn: HttpCdn) -> None:
    """As when a group rewinds and many photos are erased at once while the CDN hangs."""
    for _ in range(3):
        purges = [asyncio.create_task(cdn.purge([f"p_{n}/t/640.jpg"])) for n in range(300)]
        await eventually(layer.busy, until=lambda busy: busy >= 16)
        for purge in purges:
            purge.cancel()
        await asyncio.gather(*purges, return_exceptions=True)
        layer.answers.set()
        await eventually(layer.busy, until=lambda busy: busy == 0)
        layer.answers.clear()
    layer.answers.set()
    async with asyncio.timeout(4):
        await cdn.purge(["p_1/t/640.jpg"])
    assert layer.most_open <= 16
