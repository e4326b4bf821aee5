"""Containers and processes are the same mesh: programs, variables, ports, needs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from photomesh_local import environment
from photomesh_local.configuration import registry
from photomesh_local.configuration.ports import ports
from photomesh_local.configuration.secrets import NAMES
from photomesh_local.configuration.stack import ROOT
from photomesh_local.lifecycle import up_and_down
from photomesh_local.services import SERVICES
from photomesh_shared.settings import CassandraSettings, KafkaSettings, PostgresSettings, RedisSettings, StorageSettings

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)["services"]
JOBS = [name for name, program in registry.PROGRAMS.items() if program.kind == "job"]
ONE_SHOT = {"databases", "kafka-users", *JOBS}


def test_every_program_and_every_step_is_a_container() -> None:
    assert set(COMPOSE) == set(up_and_down.PROGRAMS) | ONE_SHOT


@pytest.mark.parametrize("program", [*SERVICES, *JOBS])
def test_a_program_gets_the_same_variables(program: str) -> None:
    given = {name for name in COMPOSE[program]["environment"] if name.startswith("PHOTOMESH_")}
    # Spans go to a collector there; a container keeps no files. It calls no address of this machine.
    not_there = {"PHOTOMESH_TRACE_FILE", "PHOTOMESH_TRACE_SHARE"}
    not_there |= {"PHOTOMESH_OUTBOUND_TEST_RECEIVERS", "PHOTOMESH_OUTBOUND_TEST_AUTHORITY"}
    assert given == set(environment("dev", program)) - not_there


@pytest.mark.parametrize("program", SERVICES)
def test_a_variable_that_names_no_place_has_the_same_value(program: str) -> None:
    local, container = environment("dev", program), COMPOSE[program]["environment"]
    placeless = [name for name in container if "127.0.0.1" not in local[name] and not name.endswith("_PORT")]
    assert {name: str(container[name]) for name in placeless if "${" not in str(container[name])} == {
        name: local[name] for name in placeless if "${" not in str(container[name])
    }


def test_ports_are_published_on_loopback_only_and_are_those_of_the_file() -> None:
    for name, container in COMPOSE.items():
        for published in container.get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:\$\{([A-Z0-9_]+)\}:.+", published), (name, published)
    for program in SERVICES:
        port = registry.PROGRAMS[program].variable
        assert COMPOSE[program]["ports"] == [f"127.0.0.1:${{{port}}}:${{{port}}}"]


def test_every_placeholder_is_a_port_or_a_secret() -> None:
    placeholders = dict(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)([^}]*)\}", TEXT))
    assert set(placeholders) <= set(ports("dev")) | set(NAMES)
    # Compose by hand, before `make up` has written them, says what to run, rather than go on with empty passwords.
    assert {placeholders[name] for name in placeholders if name in NAMES} == {":?run make up"}


def _by_settings(program: str) -> set[str]:
    """What must be ready before a program starts, from the settings that it reads."""
    declared = registry.PROGRAMS[program]
    kind, schema = declared.settings_class(), f"{declared.deployable.name}-schema"
    parts = {
        KafkaSettings: "topics",
        RedisSettings: "redis",
        StorageSettings: "buckets",
        PostgresSettings: schema,
        CassandraSettings: schema,
    }
    fields = {
        "feed_redis_url": ["redis"],
        "cdn_purge_urls": ["shield", "edge"],
        "smtp_url": ["mail"],
        "opensearch_url": ["opensearch"],
    }
    return {step for part, step in parts.items() if issubclass(kind, part)}.union(
        *(steps for field, steps in fields.items() if field in kind.model_fields)
    )


@pytest.mark.parametrize("program", SERVICES)
def test_a_service_waits_for_what_it_needs(program: str) -> None:
    needs = COMPOSE[program]["depends_on"]
    assert set(needs) == set(registry.PROGRAMS[program].starts_after) == _by_settings(program)
    for name, need in needs.items():
        once = name in ONE_SHOT
        assert need["condition"] == ("service_completed_successfully" if once else "service_healthy")


def test_a_job_waits_for_its_server() -> None:
    waits = {job: set(COMPOSE[job]["depends_on"]) for job in JOBS}
    assert waits.pop("topics") == {"kafka-users"}
    assert waits.pop("buckets") == {"seaweedfs"}
    assert waits.pop("cassandra-roles") == {"cassandra"}
    for job, needs in waits.items():
        cassandra = issubclass(registry.PROGRAMS[job].settings_class(), CassandraSettings)
        assert needs == ({"cassandra-roles"} if cassandra else {"databases"})
    assert set(COMPOSE["databases"]["depends_on"]) == {"postgres"}
    assert set(COMPOSE["kafka-users"]["depends_on"]) == {"kafka"}


@pytest.mark.parametrize("program", SERVICES)
def test_a_service_has_no_rights_to_lose(program: str) -> None:
    container = COMPOSE[program]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("program", [*SERVICES, *JOBS])
def test_a_container_runs_the_module_of_the_program_from_the_image_of_its_deployable(program: str) -> None:
    declared = registry.PROGRAMS[program]
    assert COMPOSE[program]["image"] == f"photomesh/{declared.deployable.name}"
    serving = ["python", "-m", f"photomesh_{declared.deployable.snake_case}"]  # what an image runs by itself
    assert COMPOSE[program].get("command", serving) == declared.command


def test_whatever_has_a_volume_for_data_names_it() -> None:
    volumes = yaml.safe_load(TEXT)["volumes"]
    for server in ("kafka", "cassandra", "postgres", "redis", "seaweedfs", "opensearch"):
        assert server in volumes
        assert any(volume.startswith(f"{server}:") for volume in COMPOSE[server]["volumes"])


def test_mounted_files_exist() -> None:
    mounted = [volume.split(":")[0] for container in COMPOSE.values() for volume in container.get("volumes", [])]
    for path in mounted:
        assert not path.startswith("./") or (ROOT / path).is_file()


def test_images_run_as_nobody_in_particular() -> None:
    dockerfile = Path(ROOT / "Dockerfile").read_text()
    runtime = dockerfile[dockerfile.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", runtime, re.MULTILINE)
    assert "HEALTHCHECK" in runtime


def test_images_say_what_they_are() -> None:
    dockerfile = Path(ROOT / "Dockerfile").read_text()
    runtime = dockerfile[dockerfile.rindex("\nFROM ") :]
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', runtime))
    assert labels == {"title": "photomesh/$SERVICE", "version": "$VERSION", "revision": "$REVISION"}
    declared = set(re.findall(r"^ARG (\w+)", runtime, re.MULTILINE))  # those above a FROM do not reach below it
    assert declared >= {"SERVICE", "VERSION", "REVISION"}
