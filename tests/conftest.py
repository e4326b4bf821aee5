"""Fixtures of all tests. The servers are real; the first test that needs them starts them.

    unit, contract, architecture   no server
    integration                    the servers, and one deployable at a time (fixtures below)
    e2e                            the servers and every service (`mesh`)

The order is that one, so that no running service works on what an integration test puts into a topic. `make test` also
empties the servers before the mesh starts; to run both by hand, `make clean STACK=test` between them.

With `-n 2` (pytest-xdist) each worker has servers of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from photomesh_local import environment
from photomesh_shared.clock import SystemClock
from photomesh_shared.ids import IdGenerator
from photomesh_shared.settings import KafkaSettings
from tests.support.kafka import Topics, kafka_user
from tests.support.servers import Servers, open_servers, source
from tests.support.servers.workers import take_own_stack
from tests.support.tokens import Issuer, serve_jwks

_ORDER = ("architecture", "unit", "contract", "integration", "e2e")
_TESTS = Path(__file__).parent

Environment = Callable[[str], Mapping[str, str]]


def pytest_configure(config: pytest.Config) -> None:
    # How long an example takes says more about what else the machine does.
    settings.register_profile("photomesh", deadline=None)
    settings.load_profile("photomesh")
    if worker := getattr(config, "workerinput", None):
        take_own_stack(worker["workerid"])


def pytest_report_header() -> str:
    return f"servers: {source()} (SERVERS=native|containers chooses)"


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if (folder := _folder(item)) in ("integration", "e2e"):
            item.add_marker("servers" if folder == "integration" else "mesh")
    items.sort(key=lambda item: _ORDER.index(_folder(item)))


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers, up and provisioned, and none of the services."""
    with open_servers() as opened:
        yield opened


@pytest.fixture(scope="session")
def ports(servers: Servers) -> Mapping[str, int]:
    """Port by name (KAFKA, EDGE …), of servers that are up."""
    return servers.ports


@pytest.fixture(scope="session")
def opensearch(servers: Servers) -> str:
    """The URL of the test stack's OpenSearch. It starts with the first test that needs it."""
    servers.demand("opensearch")
    return f"http://127.0.0.1:{servers.ports['OPENSEARCH']}"


@pytest.fixture(scope="session")
def mesh(servers: Servers) -> Mapping[str, int]:
    """The whole test stack, servers and every service; gives their ports."""
    servers.start_services()
    return servers.ports


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """Signs access tokens that services in `service_environment` accept."""
    with serve_jwks(Issuer()) as serving:
        yield serving


@pytest.fixture(scope="session")
def service_environment(servers: Servers, issuer: Issuer) -> Environment:
    """PHOTOMESH_* of a program on the test stack, which accepts the tokens of `issuer`."""
    return lambda program: environment("test", program) | {"PHOTOMESH_JWKS_URL": issuer.jwks_url}


@pytest.fixture(scope="session")
def kafka(servers: Servers) -> KafkaSettings:
    """The administrator of the test stack's Kafka."""
    return kafka_user()


@pytest.fixture(scope="session")
def topics(kafka: KafkaSettings) -> Topics:
    return Topics(kafka)


@pytest.fixture(scope="session")
def new_id() -> Callable[[], int]:
    """Ids that no earlier run has used (region 1, as the test stack's)."""
    return IdGenerator(1, os.getpid() % 1024, SystemClock()).next
