"""Cassandra 5, one node from its published jars."""

import asyncio
import struct
from pathlib import Path

from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import LIB, LOCAL, Stack, render
from photomesh_local.processes.orphans import alive, pid_file
from photomesh_local.processes.program import Program, StackError
from photomesh_local.servers.base import HOST, Server, class_path, digest, java17, java_names

_ARGUMENTS = LOCAL / "config" / "cassandra.args"
_LOGGING = LOCAL / "config" / "logback.xml"
# Without waiting for disks, schema changes take milliseconds; what is written may be lost.
_THROWAWAY = (
    "-Dcassandra.skip_sync=true",
    "-Dcassandra.unsafesystem=true",
    "-Dcassandra.test.flush_local_schema_changes=false",
    "-Dcassandra.auth_bcrypt_gensalt_log2_rounds=4",  # the least; passwords are random
)


def home(stack: Stack) -> Path:
    """The folder of the data: with the rest, unless Java finds no file system there.

    In a plain chroot `/` is no mount point. Java then cannot say how much space a folder has, and Cassandra, which
    asks, does not start. /dev/shm is a mount point everywhere; what lies there outlives every process, but not the
    machine.
    """
    mount_points = {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()}
    if "/" in mount_points or "/dev/shm" not in mount_points:  # noqa: S108
        return stack.data / "cassandra"
    return Path("/dev/shm") / f"photomesh-{stack.key}" / "cassandra"  # noqa: S108  (0700)


def prepare(stack: Stack) -> None:
    data = home(stack)
    if not data.exists():
        data.mkdir(parents=True, mode=0o700)
        stack.forget(*registry.jobs_on("cassandra"))
    if stack.throwaway and not alive(pid_file(stack, "cassandra")):
        stack.forget(*registry.jobs_on("cassandra"))  # a schema that was never synced may not have outlived a kill
    (stack.run / "cassandra.yaml").write_text(
        render(
            "cassandra.yaml",
            STACK=stack.name,
            DATA=data,
            CASSANDRA=stack.ports["CASSANDRA"],
            CASSANDRA_STORAGE=stack.ports["CASSANDRA_STORAGE"],
            CASSANDRA_STORAGE_TLS=stack.ports["CASSANDRA_STORAGE"] + 1,  # configured, never opened
        )
    )


def properties(stack: Stack) -> tuple[str, ...]:
    """Java options of the stack's only node, wherever it runs."""
    return (
        f"-Dcassandra.jmx.local.port={stack.ports['CASSANDRA_JMX']}",
        # The same for its second half, which would otherwise take any free port.
        f"-Dcom.sun.management.jmxremote.rmi.port={stack.ports['CASSANDRA_JMX']}",
        # One node has nobody to wait for.
        "-Dcassandra.skip_wait_for_gossip_to_settle=0",
        "-Dcassandra.ring_delay_ms=0",
        "-Dcassandra.initial_token=0",
        "-Dcassandra.superuser_setup_delay_ms=0",
        *(_THROWAWAY if stack.throwaway else ()),
    )


def program(stack: Stack) -> Program:
    configuration = stack.run / "cassandra.yaml"
    data = home(stack)
    classes = class_path("cassandra")
    agent = next((LIB / "cassandra").glob("jamm-*.jar"), None)
    if agent is None:
        raise StackError(f"{LIB / 'cassandra'} has no jamm jar: `make setup` fetches it")
    return Program(
        name="cassandra",
        command=(
            java17(),
            f"@{_ARGUMENTS}",
            f"-javaagent:{agent}",
            java_names(stack),
            f"-Dcassandra.config={configuration.as_uri()}",
            f"-Dcassandra.storagedir={data}",
            f"-Dcassandra.logdir={stack.logs}",
            f"-Dlogback.configurationFile={_LOGGING}",
            "-Dcassandra-foreground=yes",
            "-Dcom.sun.management.jmxremote.authenticate=false",
            *properties(stack),
            "-cp",
            classes,
            "org.apache.cassandra.service.CassandraDaemon",
        ),
        revision=digest(configuration, _ARGUMENTS, _LOGGING),
        stop_seconds=30,
    )


async def probe(stack: Stack) -> None:
    """It asks for a login: native protocol 4, STARTUP → AUTHENTICATE."""
    reader, writer = await asyncio.open_connection(HOST, stack.ports["CASSANDRA"])

    async def ask(opcode: int, body: bytes, expected: int) -> None:
        writer.write(struct.pack(">BBhBi", 4, 0, 1, opcode, len(body)) + body)
        _version, _flags, _stream, answer, length = struct.unpack(">BBhBi", await reader.readexactly(9))
        text = await reader.readexactly(length)
        if answer != expected:
            raise ConnectionError(f"Cassandra answers {text[6:].decode(errors='replace')}")

    try:
        name, version = b"CQL_VERSION", b"3.0.0"
        await ask(1, struct.pack(">hh11sh5s", 1, len(name), name, len(version), version), expected=3)
    finally:
        writer.close()


SERVER = Server("cassandra", prepare, program, probe)
