"""A subscription on one connection, against a server that says what a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hiredis import Reader

from photomesh_shared.stores.redis_subscription import open_subscription
from tests.support.waiting import eventually

Answer = Callable[[list[bytes]], bytes]


def array(*words: bytes | int) -> bytes:
    parts = [b":%d\r\n" % word if isinstance(word, int) else b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"*%d\r\n" % len(words) + b"".join(parts)


class Server:
    """Confirms subscriptions, answers pings, and takes one password."""

    def __init__(self) -> None:
        self.commands: list[list[bytes]] = []
        self.silent = False
        self.url = ""
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        parser = Reader()
        while data := await reader.read(65_536):
            parser.feed(data)
            while (command := parser.gets()) is not False:
                self.commands.append(command)
                if not self.silent:
                    writer.write(self._answer(command))

    def _answer(self, command: list[bytes]) -> bytes:
        match command:
            case [b"AUTH", *words]:
                return b"+OK\r\n" if words == [b"stream", b"p@ss"] else b"-WRONGPASS no\r\n"
            case [b"SUBSCRIBE" | b"UNSUBSCRIBE" as kind, *channels]:
                return b"".join(array(kind.lower(), channel, 1) for channel in channels)
            case _:
                return array(b"pong", b"")

    def say(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


class Ears:
    def __init__(self) -> None:
        self.confirmed: list[bytes] = []
        self.messages: list[tuple[bytes, bytes]] = []

    def subscribed(self, channel: bytes) -> None:
        self.confirmed.append(channel)

    def heard(self, channel: bytes, message: bytes) -> None:
        if message == b"wrong":
            raise ValueError("not a message of ours")
        self.messages.append((channel, message))

    async def have(self, number: int) -> None:
        async def look() -> int:
            return len(self.messages) + len(self.confirmed)

        await eventually(look, until=lambda found: found >= number)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.url = f"redis://stream:p%40ss@127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
        server.close()


async def lost(ends: Callable[[Server], Awaitable[None]], error: type[Exception], *, silent_seconds: float = 10) -> str:
    """What a subscription is lost by, after something happens to it."""
    async with serving() as server, open_subscription(server.url, ears := Ears(), silent_seconds=silent_seconds) as one:
        one.subscribe("a")
        await ears.have(1)
        await ends(server)
        with pytest.raises(error) as found:
            await asyncio.wait_for(one.lost(), 30)
        return str(found.value)


async def test_messages_are_handed_on_in_their_order() -> None:
    async with serving() as server, open_subscription(server.url, ears := Ears()) as one:
        one.subscribe("a", "b")
        await ears.have(2)
        assert ears.confirmed == [b"a", b"b"]
        together = b"".join(array(b"message", b"a", b"%d" % number) for number in range(100))
        for start in range(0, len(together), 37):  # in pieces that end anywhere
            server.say(together[start : start + 37])
        await ears.have(102)
        assert ears.messages == [(b"a", b"%d" % number) for number in range(100)]
        one.unsubscribe("a")
        one.subscribe("c")
        await ears.have(103)
    assert server.commands[0] == [b"AUTH", b"stream", b"p@ss"]
    assert [command[0] for command in server.commands[1:]] == [b"SUBSCRIBE", b"UNSUBSCRIBE", b"SUBSCRIBE"]


async def test_many_channels_are_several_commands() -> None:
    async with serving() as server, open_subscription(server.url, ears := Ears()) as one:
        one.subscribe(*(f"n:{number}" for number in range(2_500)))
        await ears.have(2_500)
    assert [len(command) - 1 for command in server.commands[1:]] == [1_000, 1_000, 500]


async def test_a_wrong_password_is_refused() -> None:
    async with serving() as server:
        with pytest.raises(ConnectionError, match="WRONGPASS"):
            async with open_subscription(server.url.replace("p%40ss", "other"), Ears()):
                pytest.fail("it is connected")
        with pytest.raises(OSError):
            async with open_subscription("redis://127.0.0.1:1", Ears()):
                pytest.fail("it is connected")


async def test_a_connection_that_ends() -> None:
    async def ends(server: Server) -> None:
        server.close()

    assert "lost" in await lost(ends, ConnectionError)


async def test_a_server_that_is_silent_is_asked_and_then_lost() -> None:
    async def ends(server: Server) -> None:
        await eventually(lambda: _pings(server))
        assert len(server.commands) > 2, "it answered, so the connection stayed"
        server.silent = True

    assert "does not answer" in await lost(ends, ConnectionError, silent_seconds=1)


async def _pings(server: Server) -> int:
    return sum(command == [b"PING"] for command in server.commands)


async def test_what_is_not_redis_and_what_redis_refuses() -> None:
    async def nonsense(server: Server) -> None:
        server.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def refusal(server: Server) -> None:
        server.say(b"-NOPERM this user has no permissions to access one of the channels\r\n")

    assert "not Redis" in await lost(nonsense, ConnectionError)
    assert "NOPERM" in await lost(refusal, ConnectionError)


async def test_a_failure_of_the_hearer_ends_it() -> None:
    async def wrong(server: Server) -> None:
        server.say(array(b"message", b"a", b"wrong"))

    assert await lost(wrong, ValueError) == "not a message of ours"
