"""Kafka, one KRaft node from its published jars."""

import asyncio
import base64
import struct
import uuid

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
    properties.write_text(
        render(
            "kafka.properties",
            DATA=data,
            KAFKA=stack.ports["KAFKA"],
            KAFKA_CONTROLLER=stack.ports["KAFKA_CONTROLLER"],
        )
    )
    if not (data / "meta.properties").exists():
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = [*java("-Xmx128m"), "kafka.tools.StorageTool"]
        run([*tool, "format", "--cluster-id=" + cluster_id, "--ignore-formatted", "-c", str(properties)])


def program(stack: Stack) -> Program:
    properties = stack.run / "kafka.properties"
    return Program(
        name="kafka",
        command=(*java(*_BROKER, java_names(stack)), "kafka.Kafka", str(properties)),
        revision=digest(properties, _LOGGING),
        stop_seconds=30,
    )


async def probe(stack: Stack) -> None:
    """A Metadata call is answered and names a broker (the port opens before that)."""
    reader, writer = await asyncio.open_connection(HOST, stack.ports["KAFKA"])
    try:
        # Request header v1 (api key 3, version 4, correlation 1, no client id), no topics, do not create any.
        request = struct.pack(">hhihi?", 3, 4, 1, -1, 0, False)
        writer.write(struct.pack(">i", len(request)) + request)
        length = struct.unpack(">i", await reader.readexactly(4))[0]
        answer = await reader.readexactly(length)
        _correlation, _throttle, brokers = struct.unpack_from(">iii", answer)
        if brokers < 1:
            raise ConnectionError("the broker has not registered yet")
    finally:
        writer.close()


SERVER = Server("kafka", prepare, program, probe)
