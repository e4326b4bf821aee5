"""A stack: its name, folders, ports and secrets."""

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from photomesh_local.configuration import receiver, secrets
from photomesh_local.configuration.ports import OFFSET_VARIABLE, ports

ROOT = Path(__file__).resolve().parents[5]
LOCAL = ROOT / "deploy" / "local"
LIB = ROOT / ".photomesh" / "lib"
STACKS = ("dev", "test")


@dataclass(frozen=True)
class Stack:
    """`dev` keeps what it is given; `test` has ports and data of its own and trades durability for speed.

    With `PHOTOMESH_TEST_PORT_OFFSET`, `test` is another stack of that kind, with other ports and folders: several
    checkouts can test at once, and several workers of one.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in STACKS:
            raise ValueError(f"no stack named {self.name!r}: it is one of {', '.join(STACKS)}")

    @property
    def _full_name(self) -> str:
        offset = os.environ.get(OFFSET_VARIABLE) if self.throwaway else None
        return f"{self.name}-{offset}" if offset else self.name

    @property
    def throwaway(self) -> bool:
        return self.name == "test"

    @property
    def directory(self) -> Path:
        return ROOT / ".photomesh" / self._full_name

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def run(self) -> Path:
        """What exists only while the stack runs: scripts, process ids, the supervisor's configuration."""
        return self.directory / "run"

    @property
    def provisioned(self) -> Path:
        """One file per thing that was provisioned, see `provisioning`."""
        return self.data / "provisioned"

    def forget(self, *steps: str) -> None:
        """Have these steps of provisioning done again: what they made is gone."""
        for step in steps:
            (self.provisioned / step).unlink(missing_ok=True)

    @property
    def secrets_file(self) -> Path:
        return self.directory / "secrets.env"

    @property
    def receiver(self) -> str:
        """The address that pushes and webhooks may go to, although it is none of the internet."""
        return receiver.address_of(self.ports["GATEWAY"] - ports("dev")["GATEWAY"])

    @property
    def receiver_certificate(self) -> Path:
        return receiver.certificate_of(self.directory, self.receiver)

    @cached_property
    def ports(self) -> Mapping[str, int]:
        return ports(self.name)

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        return secrets.load_or_create(self.secrets_file)

    @property
    def key(self) -> str:
        """A short name that no other stack on this machine has, also not that of another checkout."""
        return f"{self._full_name}-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}"

    @cached_property
    def socket(self) -> Path:
        """The supervisor's socket. A deep checkout gets it elsewhere: a socket's path ends at 107 bytes."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) + len(".12345") <= 107:  # the supervisor binds <path>.<pid> first
            return path
        folder = Path(tempfile.gettempdir()) / f"photomesh-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid() or folder.is_symlink():
            raise PermissionError(f"{folder} belongs to somebody else: remove it")
        return folder / f"{self.key}.sock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One `up`, `down` or `clean` at a time; a second one waits."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory.parent / f"{self._full_name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def render(template: str, **values: object) -> str:
    """The text of `deploy/local/config/<template>` with every `@NAME@` filled in."""
    text = (LOCAL / "config" / template).read_text()
    for name, value in values.items():
        if f"@{name}@" not in text:
            raise KeyError(f"{template} has no @{name}@")
        text = text.replace(f"@{name}@", str(value))
    if left := re.search(r"@[A-Z][A-Z_0-9]*@", text):
        raise KeyError(f"{template}: no value for {left[0]}")
    return text
