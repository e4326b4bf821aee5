"""Kafka's users are those of the programs, with the passwords that the programs have, over TLS."""

from __future__ import annotations

import tomllib

import pytest

from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import ROOT
from photomesh_shared.events import TOPICS, Topic
from tests.support.manifests import container, env_file, named, of, pods, secrets, workload_kind
from tools.programs.kafka_users import rights_of_subscriber

COMMON = env_file("base/common/photomesh.env")
USERS = {user.name: user.spec for user in of("KafkaUser", folder="data-plane")}


def _password(user: str) -> str:
    reference = USERS[user]["authentication"]["password"]["valueFrom"]["secretKeyRef"]
    return secrets()["photomesh-data", reference["name"]][reference["key"]]


@pytest.mark.parametrize("name", [name for name, program in registry.PROGRAMS.items() if "kafka" in program.servers])
def test_a_program_logs_in_as_its_own_user(name: str) -> None:
    workload = named(workload_kind(registry.PROGRAMS[name].kind), name)
    environment = {entry["name"]: entry["value"] for entry in container(workload)["env"]}
    assert environment["PHOTOMESH_KAFKA_USER"] == name
    assert secrets()["photomesh", name]["PHOTOMESH_KAFKA_PASSWORD"] == _password(name)


def test_users_are_those_of_every_installation() -> None:
    declared = tomllib.loads((ROOT / "deploy/kafka-users.toml").read_text())
    assert set(USERS) == set(declared) == {*registry.KAFKA_USERS, "keda"}
    for name, user in declared.items():
        acls = [
            (acl["resource"]["type"], acl["resource"]["name"], acl["resource"]["patternType"], acl["operations"])
            for acl in USERS[name]["authorization"]["acls"]
        ]
        assert acls == [
            (r["resource"], r["name"], r.get("pattern", "literal"), r["operations"]) for r in user["rights"]
        ]
        assert USERS[name]["quotas"] == {
            "producerByteRate": user["produce_bytes_per_second"],
            "consumerByteRate": user["consume_bytes_per_second"],
        }


def test_no_two_users_have_one_password() -> None:
    assert len({_password(user) for user in USERS}) == len(USERS)


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS.values() if topic.restricted], ids=lambda topic: topic.name
)
def test_a_restricted_topic_is_read_by_its_consumers_and_its_owner_alone(topic: Topic) -> None:
    readers = {
        name
        for name, user in tomllib.loads((ROOT / "deploy/kafka-users.toml").read_text()).items()
        for right in user["rights"]
        if right["resource"] == "topic"
        and "Read" in right["operations"]
        and right["name"] in ("*", topic.name)  # of no user are rights to topics by prefix
    }
    programs = registry.PROGRAMS
    allowed = {name for name in programs if programs[name].group in topic.consumers}
    allowed |= {name for name in programs if programs[name].deployable.name == topic.owner}
    # A job that reads again and again has no group.
    allowed |= {name for name in programs if programs[name].kind == "cronjob" and topic.name in programs[name].reads}
    assert readers - {"operator", "topics"} <= allowed
    subscriber = next(iter(registry.SUBSCRIBERS.values())).model_copy(update={"reads": (topic.name,)})
    with pytest.raises(LookupError, match="restricted"):
        rights_of_subscriber(subscriber)


def test_keda_logs_in_as_itself() -> None:
    spec = named("TriggerAuthentication", "kafka").spec
    given = {
        entry["parameter"]: secrets()["photomesh", entry["name"]][entry["key"]] for entry in spec["secretTargetRef"]
    }
    assert given == {"username": "keda", "password": _password("keda")}


def test_connections_are_encrypted_and_brokers_are_who_they_say() -> None:
    (listener,) = named("Kafka", "photomesh", folder="data-plane").spec["kafka"]["listeners"]
    assert listener["tls"] is True
    assert listener["authentication"] == {"type": "scram-sha-512"}
    own = listener["configuration"]["brokerCertChainAndKey"]
    certificate = named("Certificate", "kafka-tls", folder="data-plane").spec
    assert own["secretName"] == certificate["secretName"]
    assert COMMON["PHOTOMESH_KAFKA_BOOTSTRAP"].partition(":")[0] in certificate["dnsNames"]
    assert COMMON["PHOTOMESH_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"


def test_a_program_that_verifies_a_store_has_the_authority() -> None:
    folder, _, file = COMMON["PHOTOMESH_KAFKA_CA_FILE"].rpartition("/")
    assert file == "ca.crt"
    for workload, template in pods():
        if template["metadata"]["labels"].get("needs.photomesh.dev/kafka"):
            mounts = {mount["name"]: mount["mountPath"] for mount in container(workload)["volumeMounts"]}
            assert mounts["stores-ca"] == folder, workload
            volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
            assert volumes["stores-ca"]["configMap"] == {"name": "stores-ca"}
