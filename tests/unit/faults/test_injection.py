"""Faults of one server never overlap, however long it takes to start."""

from __future__ import annotations

import threading
from typing import cast

from tests.faults.injection import inject
from tests.faults.schedule import Fault
from tests.support.servers import Servers


class SlowServers:
    """Of which nothing is down twice at once. A stop ends when the other server has been stopped as well."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.stops: list[str] = []
        self._both = threading.Barrier(2, timeout=20)

    def stop(self, server: str) -> None:
        assert server not in self.down
        self.down.add(server)
        self.stops.append(server)
        self._both.wait()

    def start(self, server: str) -> None:
        self.down.remove(server)

    kill = pause = resume = start


async def test_a_servers_next_fault_waits_for_its_last_and_not_for_those_of_others() -> None:
    servers = SlowServers()
    faults = [Fault(0, name, "stop", 0.01) for name in ("kafka", "kafka", "redis", "redis")]
    await inject(cast(Servers, servers), faults)
    assert sorted(servers.stops) == ["kafka", "kafka", "redis", "redis"]
    assert not servers.down
