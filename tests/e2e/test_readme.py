"""The README's walk-through and the quick start of docs/api.md, run as they stand there, by a POSIX shell."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.tokens import free_port

ROOT = Path(__file__).parents[2]
MESH = "API=http://127.0.0.1:18000\n"


@pytest.fixture(scope="module")
def walk_through() -> str:
    (block,) = re.findall(r"^```sh walk-through\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert MESH in block
    return str(block)


async def _run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as somebody does who has just said `make up`: in the checkout, with nothing set."""
    command, environment = ["sh", *options, "-c", script], {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90
    )


async def test_the_walk_through_ends_with_a_comment_on_a_post(walk_through: str, gateway_url: str) -> None:
    ran = await _run(walk_through.replace(MESH, f"API={gateway_url}\n"), "-eu")
    assert ran.returncode == 0, ran.stderr
    fetched, status, likes, comment = ran.stdout.splitlines()[-4:]
    assert re.fullmatch(r"200 image/jpeg \d+ bytes", fetched)
    assert status == "published"
    assert (likes, comment) == ("1", "What a light!")


async def test_a_photo_of_ones_own_is_taken(walk_through: str, gateway_url: str, some_photo: Path) -> None:
    script = f"PHOTO={some_photo}\n" + walk_through.replace(MESH, f"API={gateway_url}\n")
    ran = await _run(script, "-eu")
    assert ran.returncode == 0, ran.stderr


async def test_the_quick_start_ends_with_an_empty_feed(gateway_url: str) -> None:
    (block,) = re.findall(r"^```sh quick-start\n(.*?)^```", (ROOT / "docs/api.md").read_text(), re.M | re.S)
    assert MESH in block
    ran = await _run(block.replace(MESH, f"API={gateway_url}\n"), "-eu")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["Ada", "[]"]


async def test_without_a_mesh_it_ends_and_says_why(walk_through: str) -> None:
    """Also where it is pasted into a shell that goes on after errors."""
    impatient = walk_through.replace("-lt 100", "-lt 3")
    assert impatient != walk_through
    ran = await _run(impatient.replace(MESH, f"API=http://127.0.0.1:{free_port()}\n"))
    assert ran.returncode != 0
    assert "gave up waiting for ready" in ran.stderr
