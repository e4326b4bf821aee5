"""Programs verify that a database is the one that they mean."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from photomesh_local.configuration import registry
from tests.support.manifests import container, named, secrets, workload_kind

PROGRAMS = [name for name, program in registry.PROGRAMS.items() if "postgres" in program.servers]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_database_is_verified(name: str) -> None:
    program = registry.PROGRAMS[name]
    dsn = urlsplit(secrets()["photomesh", name]["PHOTOMESH_POSTGRES_DSN"])
    workload = named(workload_kind(program.kind), name)
    mounts = {mount["name"]: mount["mountPath"] for mount in container(workload)["volumeMounts"]}
    assert parse_qs(dsn.query) == {"sslmode": ["verify-full"], "sslrootcert": [f"{mounts['stores-ca']}/ca.crt"]}

    cluster = named("Cluster", f"{program.deployable.name}-db", folder="data-plane").spec
    certificate = named("Certificate", f"{program.deployable.name}-db-tls", folder="data-plane").spec
    assert cluster["certificates"] == {
        "serverTLSSecret": certificate["secretName"],
        "serverCASecret": certificate["secretName"],
    }
    assert dsn.hostname in certificate["dnsNames"]
    assert certificate["issuerRef"] == named("Certificate", "kafka-tls", folder="data-plane").spec["issuerRef"]
