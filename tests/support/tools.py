"""Tools of the system that some tests need."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

__all__ = ["lack"]


def lack(reason: str) -> NoReturn:
    """Skip the test visibly; with `REQUIRE_TOOLS` set, as CI does after it has installed them, fail it."""
    if os.environ.get("REQUIRE_TOOLS"):
        pytest.fail(reason)
    pytest.skip(reason)
