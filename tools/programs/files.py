"""Generated files, and generated parts of hand-written files."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from photomesh_local.configuration import registry, stack
from photomesh_local.configuration.environment import ONE_MACHINE, cassandra_roles
from photomesh_local.configuration.registry import Program
from photomesh_local.configuration.secrets import kafka_password
from photomesh_local.servers import redis, seaweedfs
from tools.programs import views
from tools.programs.kafka_users import kafka_users

__all__ = ["OWNED_FOLDERS", "REGION_FILES", "ROOT", "generated", "strays", "templates", "with_regions"]

ROOT = Path(__file__).resolve().parents[2]
_BASE = "deploy/k8s/base"
OWNED_FOLDERS = (f"{_BASE}/programs", f"{_BASE}/prepare")
"""Folders with generated files only: any other file in them is removed."""

REGION_FILES = (
    ".importlinter",
    "pyproject.toml",
    "README.md",
    "docs/running-locally.md",
    "docs/running-on-kubernetes.md",
)
"""Files with generated parts between `programs:begin NAME` and `programs:end`, rendered from regions/NAME.j2."""

# The CDN has the policy of the local stack; it is copied because kustomize reads nothing outside its own folder.
_UPSTREAMS_OF_THE_CDN = {"edge": ("shield", 8080), "shield": ("seaweedfs-s3.photomesh-data.svc", 8333)}
# Address ranges of pods. Network policies and the ingress routes limit who can send a PURGE.
_PURGERS = '"10.0.0.0"/8; "172.16.0.0"/12; "192.168.0.0"/16; "100.64.0.0"/10; "fd00::"/8;'

_REGION = re.compile(
    r"(?P<begin>^(?P<indent>[ \t]*)[^\n]*programs:begin (?P<name>[\w-]+)[^\n]*\n).*?(?P<end>^[^\n]*programs:end)",
    re.DOTALL | re.MULTILINE,
)


def generated() -> dict[Path, str]:
    """Return path (from the root of the checkout) → text."""
    loaded = templates()

    def render(template: str, **values: object) -> str:
        return loaded.get_template(f"{template}.j2").render(values)

    files = {
        "docker-compose.yml": render("docker-compose.yml"),
        "deploy/kafka-users.toml": render("kafka-users.toml"),
        "deploy/local/programs.env": render("programs.env"),
        "gateway/src/photomesh_gateway/routing/upstreams.py": render("upstreams.py"),
        f"{_BASE}/common/services.env": render("kubernetes/services.env"),
        f"{_BASE}/common/network-policies-services.yaml": render("kubernetes/network-policies.yaml"),
        f"{_BASE}/release/kustomization.yaml": render("kubernetes/release.yaml"),
        f"{_BASE}/prepare/kustomization.yaml": render("kubernetes/prepare.yaml"),
        f"{_BASE}/prepare/name-references.yaml": render("kubernetes/name-references.yaml"),
        f"{_BASE}/prepare/names/kustomization.yaml": render("kubernetes/names.yaml"),
        f"{_BASE}/prepare/jobs.yaml": render("kubernetes/jobs.yaml"),
        f"{_BASE}/programs/kustomization.yaml": render("kubernetes/programs.yaml"),
        f"{_BASE}/monitoring/scaling.yaml": render(
            "kubernetes/scaling-rules.yaml", programs=[p for p in _deployments() if p.kind == "consumer"]
        ),
        "deploy/k8s/data-plane/kafka-users.yaml": render("kubernetes/kafka-users.yaml"),
        "deploy/k8s/data-plane/databases.yaml": render("kubernetes/databases.yaml"),
    }
    for program in _cronjobs():
        folder = f"{_BASE}/programs/{program.name}"
        files[f"{folder}/kustomization.yaml"] = render("kubernetes/cronjob-kustomization.yaml")
        files[f"{folder}/cronjob.yaml"] = render("kubernetes/cronjob.yaml", program=program)
    for program in _deployments():
        folder = f"{_BASE}/programs/{program.name}"
        files[f"{folder}/kustomization.yaml"] = render("kubernetes/program.yaml", program=program)
        files[f"{folder}/deployment.yaml"] = render("kubernetes/deployment.yaml", program=program)
        files[f"{folder}/scaling.yaml"] = render(f"kubernetes/scaling-{program.kind}.yaml", program=program)
        if program.kind == "http":
            files[f"{folder}/service.yaml"] = render("kubernetes/service.yaml", program=program)
    for layer, (host, port) in _UPSTREAMS_OF_THE_CDN.items():
        policy = stack.render("cdn.vcl", NAME=layer, UPSTREAM_HOST=host, UPSTREAM_PORT=port, PURGERS=_PURGERS)
        written = "# Written by `make programs` from deploy/local/config/cdn.vcl.\n"
        files[f"{_BASE}/cdn/{layer}.vcl"] = written + policy
    for name in REGION_FILES:
        files[name] = with_regions((ROOT / name).read_text(), loaded)
    return {Path(name): text for name, text in files.items()}


def strays(files: dict[Path, str]) -> Iterator[Path]:
    """Yield files in generated folders that are no longer generated."""
    for folder in OWNED_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.relative_to(ROOT) not in files:
                yield path.relative_to(ROOT)


def with_regions(text: str, loaded: Environment) -> str:
    """Return the text of a file with its generated parts filled in, each indented as its first line.

    Raises ValueError for a part without an end.
    """

    def fill(match: re.Match[str]) -> str:
        part = loaded.get_template(f"regions/{match['name']}.j2").render()
        return match["begin"] + textwrap.indent(part, match["indent"]) + match["end"]

    filled, parts = _REGION.subn(fill, text)
    if parts != text.count("programs:begin"):
        raise ValueError("a part begins with `programs:begin` and does not end with `programs:end`")
    return filled


def _deployments() -> list[Program]:
    return [program for program in registry.PROGRAMS.values() if program.kind not in ("job", "cronjob")]


def _cronjobs() -> list[Program]:
    return [program for program in registry.PROGRAMS.values() if program.kind == "cronjob"]


def templates() -> Environment:
    """Return the templates, with the registry and the functions of `views`."""
    environment = Environment(  # noqa: S701  (no HTML)
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {name: getattr(views, name) for name in views.__all__} | {"comment": _comment}
    jobs = [program for program in registry.PROGRAMS.values() if program.kind == "job"]
    environment.globals |= {
        "programs": list(registry.PROGRAMS.values()),
        "deployments": _deployments(),
        "cronjobs": _cronjobs(),
        "jobs": jobs,
        "cassandra_roles": cassandra_roles(_secret),
        "kafka_users": kafka_users(),
        "kafka_passwords": json.dumps({user: _secret(kafka_password(user)) for user in registry.KAFKA_USERS}),
        "users_deployable": registry.PROGRAMS["topics"].deployable,
        "once": ["databases", "kafka-users", *(job.name for job in jobs)],
        "deployables": list(registry.DEPLOYABLES.values()),
        "upstreams": registry.UPSTREAMS,
        "servers": tomllib.loads((ROOT / "deploy/servers.toml").read_text()),
        "one_machine": ONE_MACHINE.items(),
        "version": tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
        "port": lambda program: f"${{{program.variable}}}",
        "secret": _secret,
        "redis_users": redis.users(_secret),
        "object_storage_identities": seaweedfs.identities(_secret),
    }
    return environment


def _secret(name: str) -> str:
    """A secret in docker-compose.yml. Compose fails with the text after `?` when the variable has no value."""
    return f"${{{name}:?run make up}}"


def _comment(text: str) -> str:
    return textwrap.fill(text, 120, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
