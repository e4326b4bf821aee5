"""Looking into Kafka with its own tools."""

import os

from photomesh_local.compose import compose, is_up
from photomesh_local.configuration.stack import Stack
from photomesh_local.servers.base import HOST
from photomesh_local.servers.kafka import java

_CONSUMER = ("--from-beginning", "--property", "print.key=true", "--property", "print.headers=true")


def show(stack: Stack, topic: str | None) -> None:
    """List the topics, or print a topic's records (headers, key, value) from its first one on, until interrupted."""
    if topic:
        print(f"Records of {topic} from its first one on; Ctrl-C stops.", flush=True)
    arguments = ["--topic", topic, *_CONSUMER] if topic else ["--list", "--exclude-internal"]
    if is_up(stack):
        tool = "/opt/kafka/bin/kafka-console-consumer.sh" if topic else "/opt/kafka/bin/kafka-topics.sh"
        compose(stack, "exec", "-T", "kafka", tool, "--bootstrap-server", "kafka:9092", *arguments, check=False)
        return
    tool = "org.apache.kafka.tools.consumer.ConsoleConsumer" if topic else "org.apache.kafka.tools.TopicCommand"
    bootstrap = ["--bootstrap-server", f"{HOST}:{stack.ports['KAFKA']}"]
    command = [*java("-Dphotomesh.log=ERROR"), tool, *bootstrap, *arguments]
    os.execv(command[0], command)  # noqa: S606
