"""Failpoints crash where they are told to, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from photomesh_shared import failpoints
from photomesh_shared.failpoints import FAILPOINTS, FailpointReached, declare, failpoint, failpoint_sync

HERE = declare("tests.here", "in this test")
THERE = declare("tests.there", "elsewhere in this test")


def configure(spec: str, env: str = "test") -> None:
    failpoints.configure({"PHOTOMESH_ENV": env, "PHOTOMESH_FAILPOINTS": spec})


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.configure({})


async def test_nothing_happens_unless_asked() -> None:
    await failpoint(HERE)


async def test_it_raises_at_the_named_place_only() -> None:
    configure("tests.here=raise")
    failpoint_sync(THERE)
    with pytest.raises(FailpointReached, match=r"tests\.here"):
        await failpoint(HERE)


def test_it_waits_for_the_third_time_and_happens_once() -> None:
    configure("tests.here=raise@3, tests.there=raise")
    failpoint_sync(HERE)
    failpoint_sync(HERE)
    with pytest.raises(FailpointReached):
        failpoint_sync(HERE)
    failpoint_sync(HERE)


@pytest.mark.parametrize("env", ["production", ""])
def test_production_ignores_it(env: str) -> None:
    configure("tests.here=raise", env)
    failpoint_sync(HERE)


def test_a_name_that_nobody_declared_is_an_error_in_the_code() -> None:
    with pytest.raises(LookupError, match=r"tests\.hree"):
        failpoint_sync("tests.hree")


def test_a_name_that_nobody_declared_is_an_error_in_the_variable() -> None:
    configure("tests.hree=raise")
    with pytest.raises(LookupError, match=r"tests\.hree"):
        failpoint_sync(HERE)


@pytest.mark.parametrize("spec", ["tests.here", "tests.here=explode", "tests.here=kill@0", "tests.here=kill@x"])
def test_nonsense_is_refused_at_the_start(spec: str) -> None:
    with pytest.raises(ValueError, match=r"tests\.here"):
        configure(spec)


def test_a_name_means_one_place() -> None:
    assert declare("tests.here", "in this test") == HERE
    with pytest.raises(ValueError, match="twice"):
        declare("tests.here", "somewhere else")
    assert FAILPOINTS["tests.here"] == "in this test"


def test_kill_ends_the_process_as_sigkill_does() -> None:
    code = (
        "from photomesh_shared.failpoints import *; declare('a.b', 'here');"
        "import atexit; atexit.register(print, 'tidied up'); failpoint_sync('a.b')"
    )
    environment = {"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": "a.b=kill"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -9
    assert done.stdout == ""
