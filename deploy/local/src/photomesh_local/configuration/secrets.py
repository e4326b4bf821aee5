"""Secrets of a stack: made on the first run, readable by their owner only, never changed afterwards."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from photomesh_local.configuration import registry
from photomesh_local.configuration.ports import read_env_file
from photomesh_local.configuration.registry import PROGRAMS, Program


def call_key(caller: Program, service: Program) -> str:
    """The name of the key with which one program calls another's internal API."""
    return f"CALL_KEY_{caller.variable}_{service.variable}"


def object_storage_keys(program: Program) -> tuple[str, str]:
    """The names of a program's access key and secret key."""
    return f"S3_ACCESS_KEY_{program.variable}", f"S3_SECRET_KEY_{program.variable}"


def cassandra_password(program: Program) -> str:
    """The name of the password of a program's role."""
    return "CASSANDRA_PASSWORD" if program.makes_roles else f"CASSANDRA_PASSWORD_{program.variable}"


def redis_password(program: Program) -> str:
    """The name of the password of a program's user in Redis."""
    return f"REDIS_PASSWORD_{program.variable}"


def kafka_password(user: str) -> str:
    """The name of a Kafka user's password."""
    return f"KAFKA_PASSWORD_{user.upper().replace('-', '_')}"


NAMES = tuple(
    dict.fromkeys(
        [
            "POSTGRES_PASSWORD",
            *(f"POSTGRES_PASSWORD_{d.snake_case.upper()}" for d in registry.DEPLOYABLES.values() if d.postgres),
            "REDIS_PASSWORD",
            *(redis_password(program) for program in PROGRAMS.values() if program.redis),
            *(cassandra_password(program) for program in PROGRAMS.values() if "cassandra" in program.servers),
            "KAFKA_PASSWORD",
            *(kafka_password(user) for user in registry.KAFKA_USERS),
            *(name for program in PROGRAMS.values() if program.objects for name in object_storage_keys(program)),
            *(call_key(caller, PROGRAMS[name]) for caller in PROGRAMS.values() for name in caller.internal_calls),
            *(name for program in registry.PROGRAMS.values() for name in program.secrets),
        ]
    )
)


def load_or_create(path: Path) -> Mapping[str, str]:
    """Secrets by name. A name that the file lacks is added, so an older checkout's file keeps working."""
    known = read_env_file(path) if path.exists() else {}
    missing = [name for name in NAMES if name not in known]
    if missing:
        # Hex: safe in URLs, shells, JSON and SQL alike, so no place needs to quote it.
        known |= {name: secrets.token_hex(32) for name in missing}
        write_private(path, "".join(f"{name}={value}\n" for name, value in known.items()))
    return known


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file that only its owner may read, all at once: readers see the old text or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    draft.replace(path)
