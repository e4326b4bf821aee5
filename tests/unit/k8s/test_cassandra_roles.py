"""Cassandra's roles are those of the programs, with the passwords that the programs have, over TLS."""

from __future__ import annotations

import json

import pytest

from photomesh_local.configuration import registry
from tests.support.manifests import Resource, container, env_file, named, secrets, workload_kind

COMMON = env_file("base/common/photomesh.env")
CLUSTER = named("K8ssandraCluster", "photomesh", folder="data-plane").spec
(MAKER,) = (name for name, program in registry.PROGRAMS.items() if program.makes_roles)


def _workload(name: str) -> Resource:
    return named(workload_kind(registry.PROGRAMS[name].kind), name)


def _environment(name: str) -> dict[str, str]:
    own = {entry["name"]: entry["value"] for entry in container(_workload(name))["env"]}
    return own | dict(secrets()["photomesh", name])


@pytest.mark.parametrize("name", registry.CASSANDRA_GRANTS)
def test_a_program_logs_in_as_its_own_role(name: str) -> None:
    made = json.loads(_environment(MAKER)["PHOTOMESH_CASSANDRA_PASSWORDS"])
    grants = json.loads(_environment(MAKER)["PHOTOMESH_CASSANDRA_GRANTS"])
    keyspaces = json.loads(_environment(MAKER)["PHOTOMESH_CASSANDRA_KEYSPACES"])
    own = _environment(name)
    assert own["PHOTOMESH_CASSANDRA_USER"] == name
    assert own["PHOTOMESH_CASSANDRA_PASSWORD"] == made[name]
    assert grants[name] == list(registry.CASSANDRA_GRANTS[name])
    assert keyspaces[name] == own["PHOTOMESH_CASSANDRA_KEYSPACE"]
    assert len(set(made.values())) == len(made) == len(grants)


def test_the_superuser_is_the_job_that_makes_the_roles() -> None:
    assert CLUSTER["auth"] is True
    own = _environment(MAKER)
    assert secrets()["photomesh-data", CLUSTER["cassandra"]["superuserSecretRef"]["name"]] == {
        "username": own["PHOTOMESH_CASSANDRA_USER"],
        "password": own["PHOTOMESH_CASSANDRA_PASSWORD"],
    }


def test_connections_are_encrypted() -> None:
    options = CLUSTER["cassandra"]["config"]["cassandraYaml"]["client_encryption_options"]
    assert (options["enabled"], options["optional"]) == (True, False)
    certificate = named("Certificate", "cassandra-tls", folder="data-plane").spec
    password = certificate["keystores"]["jks"]["passwordSecretRef"]
    for store in ("keystore", "truststore"):
        stores = CLUSTER["cassandra"]["clientEncryptionStores"]
        assert stores[f"{store}SecretRef"] == {"name": certificate["secretName"], "key": f"{store}.jks"}
        assert stores[f"{store}PasswordSecretRef"] == password
    assert set(secrets()["photomesh-data", password["name"]]) == {password["key"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(_workload("post"))["volumeMounts"]}
    assert COMMON["PHOTOMESH_CASSANDRA_CA_FILE"] == f"{mounts['stores-ca']}/ca.crt"
