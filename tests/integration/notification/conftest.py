"""Notification on real servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

Environment = Callable[[str], Mapping[str, str]]


@pytest.fixture(scope="session")
def environment(service_environment: Environment) -> Environment:
    return service_environment
