"""Varnish twice, as the CDN: the edge that readers meet, and the shield between it and the object store."""

from functools import partial

from photomesh_local.configuration.stack import Stack, render
from photomesh_local.processes.program import Program
from photomesh_local.servers.base import HOST, Server, digest, find, http_ok

_UPSTREAM = {"shield": "S3", "edge": "SHIELD"}
_CACHE = {"shield": "256m", "edge": "64m"}


def prepare(stack: Stack, name: str) -> None:
    (stack.data / name).mkdir(parents=True, exist_ok=True)
    policy = render(
        "cdn.vcl",
        NAME=name,
        UPSTREAM_HOST=HOST,
        UPSTREAM_PORT=stack.ports[_UPSTREAM[name]],
        PURGERS='"127.0.0.1"; "::1";',
    )
    (stack.run / f"{name}.vcl").write_text(policy)


def program(stack: Stack, name: str) -> Program:
    policy = stack.run / f"{name}.vcl"
    return Program(
        name=name,
        command=(
            find("varnishd", "varnish"),
            "-F",  # in the foreground
            *("-j", "none"),  # no user of its own: the stack runs as the user who started it
            *("-T", "none"),  # no management port
            *("-n", str(stack.data / name)),
            *("-a", f"{HOST}:{stack.ports[name.upper()]}"),
            *("-f", str(policy)),
            *("-s", f"malloc,{_CACHE[name]}"),
        ),
        revision=digest(policy),
    )


async def probe(stack: Stack, name: str) -> None:
    await http_ok(stack.ports[name.upper()], "/healthz")


def _server(name: str) -> Server:
    return Server(name, partial(prepare, name=name), partial(program, name=name), partial(probe, name=name))


SHIELD = _server("shield")
EDGE = _server("edge")
