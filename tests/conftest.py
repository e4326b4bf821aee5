"""Fixtures of all tests. The real servers are those of the `test` stack; they start when the first test needs them.

    unit, contract, architecture   no server
    integration                    the servers, and one deployable at a time (fixtures below)
    e2e                            the servers and every service (`mesh`)

The order is that one, so that no running service works on what an integration test puts into a topic.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import photomesh_local as local
from photomesh_shared.clock import SystemClock
from photomesh_shared.ids import IdGenerator
from tests.support.kafka import Topics
from tests.support.tokens import Issuer, serve_jwks

_ORDER = ("architecture", "unit", "contract", "integration", "e2e")
_TESTS = Path(__file__).parent

Environment = Callable[[str], Mapping[str, str]]


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if (folder := _folder(item)) in ("integration", "e2e"):
            item.add_marker("servers" if folder == "integration" else "mesh")
    items.sort(key=lambda item: _ORDER.index(_folder(item)))


@pytest.fixture(scope="session")
def servers() -> Mapping[str, int]:
    """The test stack's servers, up and provisioned, and none of its services; gives their ports."""
    stack = local.Stack("test")
    local.up("test", only="servers")
    for program in local.services_of("test"):
        local.stop("test", program)
    return stack.ports


@pytest.fixture(scope="session")
def mesh(servers: Mapping[str, int]) -> Mapping[str, int]:
    """The whole test stack: servers and every service; gives their ports."""
    local.up("test")
    return servers


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """Signs access tokens that services in `service_environment` accept."""
    with serve_jwks(Issuer()) as serving:
        yield serving


@pytest.fixture(scope="session")
def service_environment(servers: Mapping[str, int], issuer: Issuer) -> Environment:
    """PHOTOMESH_* of a program on the test stack, which accepts the tokens of `issuer`."""
    return lambda program: local.environment("test", program) | {"PHOTOMESH_JWKS_URL": issuer.jwks_url}


@pytest.fixture(scope="session")
def topics(servers: Mapping[str, int]) -> Topics:
    return Topics(f"127.0.0.1:{servers['KAFKA']}")


@pytest.fixture(scope="session")
def new_id() -> Callable[[], int]:
    """Ids that no earlier run has used (region 1, as the test stack's)."""
    return IdGenerator(1, os.getpid() % 1024, SystemClock()).next
