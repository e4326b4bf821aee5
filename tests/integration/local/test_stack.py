"""The stack itself: it heals, it can be asked twice, it remembers, and nobody outside can reach it."""

import os
import signal
from collections.abc import Mapping
from ipaddress import ip_address

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

import photomesh_local as local
from photomesh_local.configuration.ports import GRPC_OFFSET
from photomesh_local.processes import sockets
from photomesh_local.processes.orphans import pid_of
from photomesh_local.servers import seaweedfs
from photomesh_local.servers.postgres import psql
from tests.support.redis import as_administrator
from tests.support.servers import source
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.usefixtures("servers"),
    pytest.mark.skipif(source() == "containers", reason="about servers that are processes"),
]

STACK = local.Stack("test")


def _redis() -> Redis:
    return Redis.from_url(as_administrator(local.environment("test", "gateway")["PHOTOMESH_REDIS_URL"]))


def test_a_second_up_restarts_nothing() -> None:
    before = {name: local.pid("test", name) for name in local.servers_of("test")}
    local.up("test", only="servers")
    assert {name: local.pid("test", name) for name in before} == before


async def test_a_server_that_is_killed_comes_back_with_its_data() -> None:
    async with _redis() as redis:
        await redis.set("local:kept", "yes")
    killed = local.kill("test", "redis", signal.SIGKILL)

    async def answers() -> object:
        try:
            async with _redis() as redis:
                return await redis.get("local:kept")
        except RedisError as error:
            raise AssertionError("not yet") from error

    assert await eventually(answers, within=20) == b"yes"
    assert local.pid("test", "redis") != killed


def test_nothing_listens_beyond_loopback() -> None:
    supervisor = pid_of(STACK.run / "supervisord.pid")
    assert supervisor is not None
    ours = {inode for pid in sockets.descendants(supervisor) for inode in sockets.sockets_of(pid)}
    listening = [listener for listener in sockets.listeners() if listener.inode in ours]
    assert [one for one in listening if not one.address.is_loopback] == []
    expected = {*STACK.ports.values(), *(STACK.ports[name] + GRPC_OFFSET for name in seaweedfs.PORTS)}
    opened = {one.port for one in listening}
    assert {STACK.ports[name] for name in ("KAFKA", "CASSANDRA", "POSTGRES", "REDIS", "S3", "EDGE")} <= opened
    assert opened <= expected, "a port that ports.env does not know"


def test_only_the_owner_reads_secrets() -> None:
    secrets = [value.encode() for value in STACK.secrets.values()]
    exposed = [
        path
        for folder in (STACK.directory, STACK.run, STACK.run / "programs", STACK.logs)
        for path in folder.iterdir()
        if path.is_file() and path.stat().st_mode & 0o077 and any(secret in path.read_bytes() for secret in secrets)
    ]
    assert exposed == []


def test_secrets_are_in_no_command_line() -> None:
    """Every user of a machine may read those."""
    supervisor = pid_of(STACK.run / "supervisord.pid")
    assert supervisor is not None
    for pid in sockets.descendants(supervisor):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read()
        assert not any(value.encode() in words for value in STACK.secrets.values())


async def test_a_killed_supervisor_is_replaced_and_nothing_is_lost(ports: Mapping[str, int]) -> None:
    """kill -9 of the supervisor leaves servers that hold ports, pid files and locks."""
    async with _redis() as redis:
        await redis.set("local:supervisor", "gone")
    await psql(STACK, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1);")
    lost = {name: local.pid("test", name) for name in ("redis", "postgres", "kafka")}
    supervisor = pid_of(STACK.run / "supervisord.pid")
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    # The rest of the worst case: a database that had no time for its lock file either.
    os.kill(lost["postgres"], signal.SIGKILL)

    local.up("test", only="servers")

    assert all(local.pid("test", name) != pid for name, pid in lost.items())
    async with _redis() as redis:
        assert await redis.get("local:supervisor") == b"gone"
    assert await psql(STACK, "SELECT count(*) FROM kept; DROP TABLE kept;") == "1"


def test_a_port_that_somebody_holds_is_named_with_its_holder(ports: Mapping[str, int]) -> None:
    assert sockets.is_taken(ports["REDIS"])
    assert f"process {local.pid('test', 'redis')} (" in sockets.holder(ports["REDIS"])


def test_addresses_of_the_kernel_are_read_right() -> None:
    redis = [listener for listener in sockets.listeners() if listener.port == STACK.ports["REDIS"]]
    assert [listener.address for listener in redis] == [ip_address("127.0.0.1")]
