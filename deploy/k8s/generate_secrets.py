"""Prints all Secrets that the manifests refer to, with fresh random values, for `kubectl create -f -`.

    python3 deploy/k8s/generate_secrets.py | kubectl create -f -

Both namespaces must exist. `create` leaves Secrets alone that are there already, so a second run does no harm, and
changes nothing. Where secrets live in a vault, let the External Secrets operator write the same names and keys instead.
"""

import json
import secrets
import sys
from collections.abc import Mapping

Secret = dict[str, object]

APP, DATA = "photomesh", "photomesh-data"


def secret(namespace: str, name: str, values: Mapping[str, str], *, kind: str = "Opaque") -> Secret:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app.kubernetes.io/part-of": "photomesh"}},
        "type": kind,
        "stringData": dict(values),
    }


def random() -> str:
    """256 bits in hexadecimal, which needs quoting nowhere."""
    return secrets.token_hex(32)


def database(service: str) -> tuple[Secret, dict[str, str]]:
    """The owner of a CloudNativePG cluster's database, and how a service reaches it."""
    role, password = service.replace("-", "_"), random()
    dsn = f"postgresql://{role}:{password}@{service}-db-rw.{DATA}.svc:5432/{role}?sslmode=require"
    owner = {"username": role, "password": password}
    return secret(DATA, f"{service}-db-owner", owner, kind="kubernetes.io/basic-auth"), {"PHOTOMESH_POSTGRES_DSN": dsn}


def generate() -> list[Secret]:
    """Every program gets what it needs and no more."""
    redis_password, feeds_password, access_key, secret_key = random(), random(), random(), random()
    redis = {"PHOTOMESH_REDIS_URL": f"redis://:{redis_password}@redis-master.{DATA}.svc:6379/0"}
    feeds = {"PHOTOMESH_FEED_REDIS_URL": f"redis://:{feeds_password}@feed-redis-master.{DATA}.svc:6379/0"}
    storage = {"PHOTOMESH_S3_ACCESS_KEY": access_key, "PHOTOMESH_S3_SECRET_KEY": secret_key}
    cursors = {"PHOTOMESH_CURSOR_SECRET": random()}
    identity_owner, identity_dsn = database("identity")
    upload_owner, upload_dsn = database("upload")
    graph_owner, graph_dsn = database("social-graph")
    objects_owner, _ = database("objects")

    def own(*names: str) -> dict[str, str]:
        return {f"PHOTOMESH_{name}": random() for name in names}

    identities = [
        {
            "name": "photomesh",
            "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {"name": "anonymous", "actions": ["Read:variants"]},
    ]
    return [
        secret(APP, "gateway", redis),
        secret(APP, "identity", identity_dsn | redis | storage | own("IDEMPOTENCY_SECRET", "KEY_ENCRYPTION_SECRET")),
        secret(APP, "upload", upload_dsn | redis | storage | cursors | own("IDEMPOTENCY_SECRET")),
        secret(APP, "post", redis | cursors | own("IDEMPOTENCY_SECRET")),
        secret(APP, "post-consumer", storage),
        secret(APP, "media-worker", storage | own("VARIANT_KEY_SECRET")),
        secret(APP, "social-graph", graph_dsn | cursors),
        secret(APP, "social-graph-consumer", graph_dsn),
        secret(APP, "feed", feeds | cursors),
        secret(APP, "feed-consumer", feeds),
        secret(APP, "feed-fanout", feeds),
        secret(APP, "provision", storage),
        identity_owner,
        upload_owner,
        graph_owner,
        objects_owner,
        secret(DATA, "redis", {"password": redis_password}),
        secret(DATA, "feed-redis", {"password": feeds_password}),
        secret(DATA, "seaweedfs-s3", {"s3.json": json.dumps({"identities": identities})}),
    ]


if __name__ == "__main__":
    json.dump({"apiVersion": "v1", "kind": "List", "items": generate()}, sys.stdout, indent=2)
