"""Ports: one file, no clash, and the test stack beside the dev stack."""

from itertools import combinations

import pytest

from photomesh_local.configuration.ports import GRPC_OFFSET, ports
from photomesh_local.servers import seaweedfs


@pytest.fixture(autouse=True)
def _usual_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOMESH_TEST_PORT_OFFSET", raising=False)


def _taken(stack: str) -> list[int]:
    """Every port that a stack opens, those that follow from others as well."""
    named = ports(stack)
    return [*named.values(), *(named[name] + GRPC_OFFSET for name in seaweedfs.PORTS), named["CASSANDRA_STORAGE"] + 1]


def test_no_port_is_taken_twice_by_stacks_that_run_side_by_side() -> None:
    taken = _taken("dev") + _taken("test")
    assert not [pair for pair in combinations(taken, 2) if pair[0] == pair[1]]


def test_ports_stay_clear_of_what_the_system_hands_out_to_clients() -> None:
    """Linux gives outgoing connections ports from 32768 on; one of those could be taken when we want to listen."""
    assert all(1024 < port < 32768 for port in _taken("dev") + _taken("test"))


def test_the_test_stack_is_the_dev_stack_moved() -> None:
    dev, test = ports("dev"), ports("test")
    assert dev.keys() == test.keys()
    assert {test[name] - dev[name] for name in dev} == {2000}
