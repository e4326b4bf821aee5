"""Servers as containers, by testcontainers. They are new at the start of a session, and removed at its end."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.network import Network

import photomesh_local as local
from photomesh_local.lifecycle.readiness import blocking, until_ready
from photomesh_local.lifecycle.up_and_down import DEADLINE, PROGRAMS
from tests.support.servers.images import CONTAINERS, Place

__all__ = ["container_servers"]

_STACK = "test"


class _ContainerServers:
    def __init__(self, containers: Mapping[str, DockerContainer]) -> None:
        self._containers = containers

    @property
    def ports(self) -> Mapping[str, int]:
        return local.Stack(_STACK).ports

    def start_services(self) -> None:
        local.up(_STACK, elsewhere=CONTAINERS)

    def start(self, server: str) -> None:
        self._containers[server].get_wrapped_container().start()
        _wait_until_ready(server, self._containers[server])

    def demand(self, server: str) -> None:
        self.start(server)

    def stop(self, server: str) -> None:
        self._containers[server].get_wrapped_container().stop(timeout=30)

    def restart(self, server: str) -> None:
        self.stop(server)
        self.start(server)

    def kill(self, server: str) -> None:
        self._containers[server].get_wrapped_container().kill()
        self.start(server)

    def pause(self, server: str) -> None:
        self._containers[server].get_wrapped_container().pause()

    def resume(self, server: str) -> None:
        self._containers[server].get_wrapped_container().unpause()


@contextmanager
def container_servers() -> Iterator[_ContainerServers]:
    local.down(_STACK)  # an earlier run's processes, on the same ports
    with ExitStack() as cleanup:
        _forget_provisioning()
        cleanup.callback(_forget_provisioning)
        place = Place(local.Stack(_STACK), _bridge(cleanup))
        containers = {name: cleanup.enter_context(make(place)) for name, make in CONTAINERS.items()}
        cleanup.callback(local.down, _STACK)  # services that tests started
        for name, container in containers.items():
            _wait_until_ready(name, container)
        local.up(_STACK, only="servers", elsewhere=CONTAINERS)
        yield _ContainerServers(containers)


def _bridge(cleanup: ExitStack) -> Network | None:
    """A network for the containers, or None where the engine has no bridge."""
    if DockerClient().client.networks.list(names=["bridge"]):
        return cleanup.enter_context(Network())
    testcontainers_config.ryuk_disabled = True  # it is reached by a published port
    return None


def _forget_provisioning() -> None:
    """Databases, topics and buckets are those of these containers; the next servers have none of them."""
    shutil.rmtree(local.Stack(_STACK).provisioned, ignore_errors=True)


def _wait_until_ready(server: str, container: DockerContainer) -> None:
    """Return once the server answers. Raises StackError, with the end of the container's log, if it does not."""
    docker = container.get_wrapped_container()

    def life() -> tuple[str, int]:
        docker.reload()
        return ("RUNNING" if docker.status == "running" else "STOPPED"), 0

    answers = until_ready(lambda: PROGRAMS[server].probe(local.Stack(_STACK)), life=life)
    try:
        blocking(asyncio.wait_for(answers, DEADLINE))
    except (local.StackError, TimeoutError) as error:
        log = docker.logs(tail=15).decode(errors="replace")
        raise local.StackError(f"{server} in its container: {error or 'no answer'}\n{log}") from error
