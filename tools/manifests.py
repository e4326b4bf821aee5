"""Renders the manifests and judges the result, where a Go toolchain is installed::

    python -m tools.manifests          # what `make check-k8s` runs

Every target is rendered by kustomize. Kubernetes' own resources are validated against its schemas, operators' resources
against the schemas of their CustomResourceDefinitions, both strictly: a field that the schema does not have is an
error. Alerts are `tools.alerts`'.

Tools and definitions come from package registries, once, into `.tools/kubernetes`: kustomize is built from its Go
module, definitions are files of the operators' Go modules; Strimzi's are written by its Maven artifact, which takes
Java 21. What cannot be had is named in the output.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from jsonschema import Draft7Validator

__all__ = ["errors", "main", "schemas_of", "strict"]

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".tools" / "kubernetes"
TARGETS = (
    "overlays/dev",
    "overlays/dev/prepare",
    "overlays/dev/data-plane",
    "overlays/production",
    "overlays/production/prepare",
    "data-plane",
)
KUBERNETES = "1.37"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"
STRIMZI = "1.2.0"
DEFINITIONS = {
    "github.com/kedacore/keda/v2@v2.21.0": ["config/crd/bases/keda.sh_scaledobjects.yaml"],
    "github.com/cloudnative-pg/cloudnative-pg@v1.30.0": ["config/crd/bases/postgresql.cnpg.io_clusters.yaml"],
    "sigs.k8s.io/gateway-api@v1.5.1": [
        f"config/crd/standard/gateway.networking.k8s.io_{kind}.yaml"
        for kind in ("gateways", "httproutes", "referencegrants")
    ],
    "github.com/prometheus-operator/prometheus-operator@v0.90.1": [
        f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
        for kind in ("podmonitors", "prometheusrules")
    ],
}
"""Go module → the files that define the kinds that we use."""


class _Loader(yaml.SafeLoader):
    """Reads a plain `=`, which one definition has among its enum values, as a string."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


# --- schemas --------------------------------------------------------------------------------------------------


def strict(schema: Json) -> Json:
    """The JSON Schema of an OpenAPI schema in a definition, without fields that it does not list."""
    result = {
        key: value
        for key, value in schema.items()
        if key not in ("default", "description") and not key.startswith("x-kubernetes-")
    }
    if "properties" in schema:
        result["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = strict(schema[key])
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    if result.pop("nullable", False) and "type" in result:
        result["type"] = [result["type"], "null"]
    return result


def schemas_of(definition: Json) -> Iterator[tuple[tuple[str, str], Json]]:
    """(apiVersion, kind) and schema of each version of a CustomResourceDefinition."""
    spec = definition["spec"]
    for version in spec["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema.setdefault("properties", {}).update(apiVersion={}, kind={}, metadata={"type": "object"})
        yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), schema


def errors(resource: Json, schemas: Mapping[tuple[str, str], Json]) -> list[str] | None:
    """What is wrong with a rendered resource; None if there is no schema for it."""
    key = resource["apiVersion"], resource["kind"]
    if key in schemas:
        found = Draft7Validator(schemas[key]).iter_errors(resource)
        return [f"{'.'.join(map(str, error.absolute_path)) or 'it'}: {error.message}" for error in found]
    group, _, _ = key[0].rpartition("/")
    if "." in group and not group.endswith(".k8s.io"):
        return None
    try:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return None
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return []


# --- tools ----------------------------------------------------------------------------------------------------


def _run(*command: str, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603  (programs named in this file)
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def _kustomize() -> str:
    """Build kustomize, once for each version."""
    folder = HOME / re.sub(r"\W+", "-", KUSTOMIZE)
    if not (folder / "kustomize").exists():
        print(f"building {KUSTOMIZE}", flush=True)
        _run("go", "install", KUSTOMIZE, GOBIN=str(folder), CGO_ENABLED="0")
    return str(folder / "kustomize")


def _definitions() -> Iterator[Path]:
    for module, files in DEFINITIONS.items():
        folder = Path(json.loads(_run("go", "mod", "download", "-json", module))["Dir"])
        yield from (folder / file for file in files)
    yield from _strimzi()


def _strimzi() -> list[Path]:
    """Strimzi's definitions, from its own generator; none without Java 21 and Maven."""
    folder = HOME / f"strimzi-{STRIMZI}"
    kinds = {"kafka": "kafka.Kafka", "nodepool": "nodepool.KafkaNodePool"}
    files = {kind: folder / f"{kind}.yaml" for kind in kinds}
    java = _java()
    if not all(file.exists() for file in files.values()):
        if java is None or shutil.which("mvn") is None:
            return []
        for artifact in ("api", "crd-generator"):
            get = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
            _run("mvn", "-q", "-B", get, f"-Dartifact=io.strimzi:{artifact}:{STRIMZI}", f"-DoutputDirectory={folder}")
        options = ["--target-kube", "1.16+", "--crd-api-version", "v1", "--api-versions", "v1"]
        models = [f"io.strimzi.api.kafka.model.{model}={files[kind]}" for kind, model in kinds.items()]
        generator = "io.strimzi.crdgenerator.CrdGenerator"
        _run(java, "-cp", f"{folder}/*", generator, *options, "--storage-version", "v1", "--yaml", *models)
    return list(files.values())


def _java() -> str | None:
    """A Java of version 21 or later."""
    homes = [os.environ.get("JAVA_HOME", ""), *map(str, sorted(Path("/usr/lib/jvm").glob("*")))]
    for java in [f"{home}/bin/java" for home in homes if os.access(f"{home}/bin/java", os.X_OK)]:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
        if (version := re.search(r'version "(\d+)', said)) and int(version[1]) >= 21:
            return java
    return None


# --- the check ------------------------------------------------------------------------------------------------


@cache
def _schemas() -> Mapping[tuple[str, str], Json]:
    definitions = (yaml.load(path.read_text(), _Loader) for path in _definitions())  # noqa: S506  (a safe loader)
    return {key: schema for definition in definitions for key, schema in schemas_of(definition)}


def _render(target: str) -> list[Json]:
    return list(yaml.safe_load_all(_run(_kustomize(), "build", str(ROOT / "deploy" / "k8s" / target))))


def main(arguments: Sequence[str] = ()) -> int:
    """Print what is wrong; 1 if anything is."""
    if shutil.which("go") is None:
        print("needs Go, to build kustomize")
        return 1
    wrong: list[str] = []
    judged: Counter[str] = Counter()
    not_judged: set[str] = set()
    for target in TARGETS:
        for resource in _render(target):
            name = f"{target}: {resource['kind']} {resource['metadata']['name']}"
            found = errors(resource, _schemas())
            if found is None:
                not_judged.add(f"{resource['kind']} ({resource['apiVersion']})")
                continue
            judged[target] += 1
            wrong += [f"{name}: {error}" for error in found]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{judged.total()} resources of {len(judged)} targets judged, {len(wrong)} errors")
    if not_judged:
        print(f"not judged: {', '.join(sorted(not_judged))}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
