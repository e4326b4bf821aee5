"""Redis, from the distribution."""

import asyncio
from collections.abc import Callable

from photomesh_local.configuration.registry import PROGRAMS
from photomesh_local.configuration.secrets import redis_password, write_private
from photomesh_local.configuration.stack import Stack, render
from photomesh_local.processes.program import Program
from photomesh_local.servers.base import HOST, Server, digest, find

USERS = "redis.users"


def prepare(stack: Stack) -> None:
    data = stack.data / "redis"
    data.mkdir(parents=True, exist_ok=True)
    configuration = render(
        "redis.conf",
        REDIS=stack.ports["REDIS"],
        USERS=stack.run / USERS,
        DATA=data,
        FSYNC="no" if stack.throwaway else "everysec",
    )
    write_private(stack.run / "redis.conf", configuration)
    write_private(stack.run / USERS, users(stack.secrets.__getitem__))


def users(secret: Callable[[str], str]) -> str:
    """The file of users: a program's user does with its keys what it must. `default` is the administrator.

    `secret` gives the value of a secret by its name.
    """
    lines = [f"user default on >{secret('REDIS_PASSWORD')} ~* &* +@all"]
    lines += [
        f"user {program.name} on >{secret(redis_password(program))} {rights.rules}"
        for program in PROGRAMS.values()
        if (rights := program.redis)
    ]
    return "".join(f"{line}\n" for line in lines)


def program(stack: Stack) -> Program:
    configuration = stack.run / "redis.conf"
    return Program(
        name="redis",
        command=(find("redis-server", "redis-server"), str(configuration)),
        revision=digest(configuration, stack.run / USERS),
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
