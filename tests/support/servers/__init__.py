"""The servers of the test stack, from one of two sources: containers, or ordinary processes of this machine.

The environment variable `SERVERS` chooses (`containers` or `native`); without it, containers where a Docker engine
answers. Either way they listen on the test stack's ports and take its secrets, so that tests need not know the source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from photomesh_local.compose import engine_answers

__all__ = ["Servers", "open_servers", "source"]


class Servers(Protocol):
    """Kafka, Cassandra, PostgreSQL, Redis, SeaweedFS, OpenSearch, and the CDN's `shield` and `edge`, by these names in
    lower case.

    All methods block until they have done what they say.
    """

    @property
    def ports(self) -> Mapping[str, int]:
        """Port by name, of servers and of services; see `deploy/local/ports.env`."""
        ...

    def start_services(self) -> None:
        """Start every service of the mesh, as processes, and wait until they are ready."""
        ...

    def start(self, server: str) -> None:
        """Start a stopped server, with the data that it had, and wait until it answers."""
        ...

    def demand(self, server: str) -> None:
        """Start a server that only few tests need, unless it runs, and wait until it answers."""
        ...

    def stop(self, server: str) -> None:
        """Shut a server down in good order; it stays down until `start`."""
        ...

    def restart(self, server: str) -> None: ...

    def kill(self, server: str) -> None:
        """Kill a server without warning, start it again and wait until it answers."""
        ...

    def pause(self, server: str) -> None:
        """Suspend a server: connections stay open, and nothing is answered until `resume`."""
        ...

    def resume(self, server: str) -> None: ...


def source() -> str:
    """Where the servers come from: `containers` or `native`."""
    chosen = os.environ.get("SERVERS") or ("containers" if engine_answers() else "native")
    if chosen not in ("containers", "native"):
        raise ValueError(f"SERVERS={chosen}: it is containers or native")
    return chosen


def open_servers() -> AbstractContextManager[Servers]:
    """The servers, up and provisioned (databases, schemas, topics, buckets), and none of the services."""
    if source() == "containers":
        from tests.support.servers.containers import container_servers

        return container_servers()
    from tests.support.servers.native import native_servers

    return native_servers()
