"""Servers as ordinary processes, under the supervisor of the local stack. They stay up when the tests end, but for
those of additional workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import photomesh_local as local
from tests.support.servers import workers

__all__ = ["native_servers"]

_STACK = "test"


class _NativeServers:
    @property
    def ports(self) -> Mapping[str, int]:
        return local.Stack(_STACK).ports

    def start_services(self) -> None:
        local.up(_STACK)

    def start(self, server: str) -> None:
        local.start(_STACK, server)

    def demand(self, server: str) -> None:
        local.up(_STACK, only=server)

    def stop(self, server: str) -> None:
        local.stop(_STACK, server)

    def restart(self, server: str) -> None:
        local.restart(_STACK, server)

    def kill(self, server: str) -> None:
        local.kill(_STACK, server)
        local.ready(_STACK, server)

    def pause(self, server: str) -> None:
        local.pause(_STACK, server)

    def resume(self, server: str) -> None:
        local.resume(_STACK, server)


@contextmanager
def native_servers() -> Iterator[_NativeServers]:
    if workers.is_additional():
        local.clean(_STACK)
    local.up(_STACK, only="servers")
    for service in local.services_of(_STACK):
        local.stop(_STACK, service)
    yield _NativeServers()
    if workers.is_additional():
        local.clean(_STACK)
