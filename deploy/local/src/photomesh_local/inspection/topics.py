"""Looking into Kafka with its own tools, as its user `operator`."""

import os

from photomesh_local.compose import compose, is_up
from photomesh_local.configuration.stack import Stack
from photomesh_local.servers.base import HOST
from photomesh_local.servers.kafka import java, login

_USER = "operator"
_CONSUMER = ("--from-beginning", "--formatter-property", "print.key=true", "--formatter-property", "print.headers=true")


def show(stack: Stack, topic: str | None) -> None:
    """List the topics, or print a topic's records (headers, key, value) from its first one on, until interrupted."""
    if topic:
        print(f"Records of {topic} from its first one on; Ctrl-C stops.", flush=True)
    arguments = ["--topic", topic, *_CONSUMER] if topic else ["--list", "--exclude-internal"]
    login_file = login(stack, _USER)
    if is_up(stack):
        tool = "/opt/kafka/bin/kafka-console-consumer.sh" if topic else "/opt/kafka/bin/kafka-topics.sh"
        inside = "/tmp/operator.properties"  # noqa: S108  (the container's)
        compose(stack, "cp", str(login_file), f"kafka:{inside}", check=False)
        options = ["--bootstrap-server", "kafka:9092", "--command-config", inside, *arguments]
        compose(stack, "exec", "-T", "kafka", tool, *options, check=False)
        return
    tool = "org.apache.kafka.tools.consumer.ConsoleConsumer" if topic else "org.apache.kafka.tools.TopicCommand"
    options = ["--bootstrap-server", f"{HOST}:{stack.ports['KAFKA']}", "--command-config", str(login_file)]
    command = [*java("-Dphotomesh.log=ERROR"), tool, *options, *arguments]
    os.execv(command[0], command)  # noqa: S606
