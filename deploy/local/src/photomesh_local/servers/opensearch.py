"""OpenSearch 2, one node from its published jars."""

from photomesh_local.configuration.stack import LOCAL, Stack, render
from photomesh_local.processes.program import Program
from photomesh_local.servers.base import Server, class_path, digest, http_ok, java17, java_names

_START = LOCAL / "config" / "opensearch.bsh"
_HEAP = "512m"


def prepare(stack: Stack) -> None:
    folder = stack.run / "opensearch"
    folder.mkdir(parents=True, exist_ok=True)
    (stack.data / "opensearch").mkdir(parents=True, exist_ok=True)
    text = render("opensearch.yml", OPENSEARCH_TRANSPORT=stack.ports["OPENSEARCH_TRANSPORT"])
    (folder / "opensearch.yml").write_text(text)


def program(stack: Stack) -> Program:
    folder = stack.run / "opensearch"
    return Program(
        name="opensearch",
        command=(
            java17(),
            f"-Xms{_HEAP}",
            f"-Xmx{_HEAP}",
            # Compiled by the optimising compiler as well, it starts more slowly than most tests end.
            *(("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC") if stack.throwaway else ("-XX:+UseG1GC",)),
            "-Djava.awt.headless=true",
            "-Djava.net.preferIPv4Stack=true",
            java_names(stack),
            "-Dlog4j2.disable.jmx=true",
            "-cp",
            class_path("opensearch"),
            "bsh.Interpreter",
            str(_START),
            str(stack.ports["OPENSEARCH"]),
            "-basePath",
            str(stack.data / "opensearch"),
            "-confPath",
            str(folder),
            "-clusterName",
            f"photomesh-{stack.name}",
            "-numOfNode",
            "1",
        ),
        revision=digest(folder / "opensearch.yml", _START),
        stop_seconds=30,
    )


async def probe(stack: Stack) -> None:
    await http_ok(stack.ports["OPENSEARCH"], "/_cluster/health?wait_for_status=yellow&timeout=1s")


SERVER = Server("opensearch", prepare, program, probe, on_demand=True)
