"""The servers that run as the system's packages are those of `deploy/servers.toml`."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from photomesh_local.configuration.stack import ROOT, Stack
from photomesh_local.servers.base import find
from photomesh_local.servers.postgres import psql

pytestmark = [
    pytest.mark.usefixtures("servers"),
    pytest.mark.skipif(
        not Path("/etc/debian_version").exists() or not Path("/etc/debian_version").read_text().startswith("12."),
        reason="the table is of Debian 12; other systems have other versions",
    ),
]

NATIVE = {
    name: entry["native"]
    for name, entry in tomllib.loads((ROOT / "deploy/servers.toml").read_text()).items()
    if "native" in entry
}


async def test_postgres() -> None:
    version = await psql(Stack("test"), "SHOW server_version")
    assert version.partition(".")[0] == NATIVE["postgres"]


@pytest.mark.parametrize(
    ("server", "program", "option"), [("redis", "redis-server", "-v"), ("varnish", "varnishd", "-V")]
)
def test_a_program_of_the_system(server: str, program: str, option: str) -> None:
    said = subprocess.run([find(program, server), option], capture_output=True, text=True, check=True)
    version = re.search(r"(?:v=|varnish-)(\d+\.\d+)\.", said.stdout + said.stderr)
    assert version is not None
    assert version[1] == NATIVE[server]


def test_every_package_is_looked_at() -> None:
    assert set(NATIVE) == {"postgres", "redis", "varnish"}
