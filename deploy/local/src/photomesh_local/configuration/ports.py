"""The ports of a stack: servers' from `deploy/local/ports.env`, programs' from the registry."""

import os
from collections.abc import Mapping
from pathlib import Path

from photomesh_local.configuration import registry

PORTS_FILE = Path(__file__).resolve().parents[3] / "ports.env"
OFFSET_VARIABLE = "PHOTOMESH_TEST_PORT_OFFSET"
GRPC_OFFSET = 10_000
"""SeaweedFS opens a gRPC port this far above each of its HTTP ports."""


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines of a file; blank lines and lines that start with # are left out."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def ports(stack: str) -> Mapping[str, int]:
    """Name → port for the stack `dev` or `test`.

    `PHOTOMESH_TEST_PORT_OFFSET` overrides the offset of the test stack (see `Stack`).
    """
    numbers = {name: int(value) for name, value in read_env_file(PORTS_FILE).items()}
    offset = numbers.pop("PORT_OFFSET_TEST")
    numbers |= {program.variable: program.port for program in registry.PROGRAMS.values() if program.port}
    offset = int(os.environ.get(OFFSET_VARIABLE, offset))
    return {name: port + (offset if stack == "test" else 0) for name, port in numbers.items()}
