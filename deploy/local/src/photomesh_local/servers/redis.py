"""Redis, from the distribution."""

import asyncio

from photomesh_local.configuration.secrets import write_private
from photomesh_local.configuration.stack import Stack, render
from photomesh_local.processes.program import Program
from photomesh_local.servers.base import HOST, Server, digest, find


def prepare(stack: Stack) -> None:
    data = stack.data / "redis"
    data.mkdir(parents=True, exist_ok=True)
    configuration = render(
        "redis.conf",
        REDIS=stack.ports["REDIS"],
        PASSWORD=stack.secrets["REDIS_PASSWORD"],
        DATA=data,
        FSYNC="no" if stack.throwaway else "everysec",
    )
    write_private(stack.run / "redis.conf", configuration)


def program(stack: Stack) -> Program:
    configuration = stack.run / "redis.conf"
    return Program(
        name="redis",
        command=(find("redis-server", "redis-server"), str(configuration)),
        revision=digest(configuration),
    )


async def probe(stack: Stack) -> None:
    """PING is answered by PONG (not by LOADING, as while the append-only file is read)."""
    reader, writer = await asyncio.open_connection(HOST, stack.ports["REDIS"])
    try:
        writer.write(f"AUTH {stack.secrets['REDIS_PASSWORD']}\r\nPING\r\n".encode())
        for expected in (b"+OK", b"+PONG"):
            answer = (await reader.readline()).strip()
            if answer != expected:
                raise ConnectionError(f"Redis answers {answer.decode(errors='replace')}")
    finally:
        writer.close()


SERVER = Server("redis", prepare, program, probe)
