"""Kafka, one KRaft node from its published jars."""

import asyncio
import base64
import struct
import uuid
from pathlib import Path

from photomesh_local.configuration.secrets import kafka_password, write_private
from photomesh_local.configuration.stack import LOCAL, Stack, render
from photomesh_local.processes.program import Program
from photomesh_local.servers.base import HOST, Server, class_path, digest, java17, java_names, run

_BROKER = ("-Xms256m", "-Xmx256m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError")
_LOGGING = LOCAL / "config" / "log4j2.properties"


def java(*options: str) -> list[str]:
    """The beginning of a command that runs one of Kafka's programs."""
    return [
        java17(),
        *options,
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        f"-Dlog4j2.configurationFile={_LOGGING}",
        "-cp",
        class_path("kafka"),
    ]


def prepare(stack: Stack) -> None:
    data = stack.data / "kafka"
    data.mkdir(parents=True, exist_ok=True)
    properties = stack.run / "kafka.properties"
    write_private(properties, configuration(stack, str(data)))
    if not (data / "meta.properties").exists():
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = [*java("-Xmx128m"), "kafka.tools.StorageTool"]
        run([*tool, "format", "--cluster-id=" + cluster_id, "--ignore-formatted", "-c", str(properties)])


def configuration(stack: Stack, data: str) -> str:
    """The broker's properties, wherever it runs."""
    ports = {name: stack.ports[name] for name in ("KAFKA", "KAFKA_CONTROLLER")}
    return render("kafka.properties", DATA=data, PASSWORD=stack.secrets["KAFKA_PASSWORD"], **ports)


def login(stack: Stack, user: str) -> Path:
    """A properties file with which Kafka's own tools log in as a user."""
    file = stack.run / f"kafka-{user}.properties"
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    password = stack.secrets[kafka_password(user)]
    write_private(
        file,
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\n"
        f'sasl.jaas.config={module} required username="{user}" password="{password}";\n',
    )
    return file


def program(stack: Stack) -> Program:
    properties = stack.run / "kafka.properties"
    return Program(
        name="kafka",
        command=(*java(*_BROKER, java_names(stack)), "kafka.Kafka", str(properties)),
        revision=digest(properties, _LOGGING),
        stop_seconds=30,
    )


async def probe(stack: Stack) -> None:
    """A Metadata call of the administrator is answered and names a broker (the port opens before that)."""
    reader, writer = await asyncio.open_connection(HOST, stack.ports["KAFKA"])

    async def ask(api: int, version: int, body: bytes) -> bytes:
        """Request header v1: API, version, correlation, no client id."""
        request = struct.pack(">hhih", api, version, 1, -1) + body
        writer.write(struct.pack(">i", len(request)) + request)
        length = struct.unpack(">i", await reader.readexactly(4))[0]
        return await reader.readexactly(length)

    try:
        token = f"\0admin\0{stack.secrets['KAFKA_PASSWORD']}".encode()
        await ask(17, 1, struct.pack(">h5s", 5, b"PLAIN"))  # SaslHandshake
        _correlation, error = struct.unpack_from(">ih", await ask(36, 0, struct.pack(">i", len(token)) + token))
        if error:
            raise ConnectionError("the broker does not know the administrator")
        # No topics, and do not create any.
        _correlation, _throttle, brokers = struct.unpack_from(">iii", await ask(3, 4, struct.pack(">i?", 0, False)))
        if brokers < 1:
            raise ConnectionError("the broker has not registered yet")
    finally:
        writer.close()


SERVER = Server("kafka", prepare, program, probe)
