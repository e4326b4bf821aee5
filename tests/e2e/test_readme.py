"""The commands of the README's walk-through, run as they stand there."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def walk_through() -> str:
    blocks = re.findall(r"^```sh walk-through\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert len(blocks) == 1
    return str(blocks[0])


async def test_the_walk_through_ends_with_a_comment_on_a_post(gateway_url: str, some_photo: Path) -> None:
    script = walk_through()
    assert "API=http://127.0.0.1:18000\n" in script
    script = script.replace("API=http://127.0.0.1:18000\n", f"API={gateway_url}\nPHOTO={some_photo}\n")
    ran = await asyncio.to_thread(
        subprocess.run, ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    fetched, status, likes, comment = ran.stdout.splitlines()[-4:]
    assert re.fullmatch(r"200 image/jpeg \d+ bytes", fetched)
    assert status == "published"
    assert (likes, comment) == ("1", "What a light!")
