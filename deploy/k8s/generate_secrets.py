"""Prints every Secret that the manifests refer to, for `kubectl apply -f -`. All values follow from one root secret.

    python3 deploy/k8s/generate_secrets.py photomesh.root | kubectl apply -f -

The file is created by the first run. Keep it where you keep passwords (it is all that must be kept) and off the
cluster. A later run with the same file gives the same values, and adds the Secrets of programs that have come since.

    python3 deploy/k8s/generate_secrets.py photomesh.root --replace feed/CURSOR_SECRET | kubectl apply -f -

takes the next of three steps in replacing one of our own secrets, and notes it in the file: the new one is accepted;
it is used; the old one is no longer accepted. Restart the programs after each, and let all be ready before the next.

    python3 deploy/k8s/generate_secrets.py photomesh.root --smtp-url smtps://user:password@host | kubectl apply -f -

notes in the file which mail server sends the mails to accounts (user and password percent-encoded).

Both namespaces must exist. Where secrets live in a vault, let the External Secrets operator write the same names and
keys instead.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import secrets
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Secret = dict[str, Any]

APP, DATA = "photomesh", "photomesh-data"
STORES_CA = "/etc/photomesh/stores-ca/ca.crt"
PERMANENT = ("VARIANT_KEY_SECRET", "VAPID_SECRET")
"""Names of stored objects are derived from the first; devices subscribe to the key that the second makes."""
SMTP_URL = f"smtp://mail.{DATA}.svc:25"
"""A relay of the operator's in the cluster, unless the file says otherwise."""
REGISTRY = Path(__file__).resolve().parents[1] / "programs.toml"


@dataclass
class Root:
    """The file: the root secret, for each secret that was replaced the steps that were taken, three a time,
    and the mail server."""

    secret: bytes
    steps: dict[str, int]
    smtp_url: str = SMTP_URL

    @classmethod
    def read(cls, path: Path) -> Root:
        """Read the file; if there is none, create one with a new root, readable by its owner only."""
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"{secrets.token_hex(32)}\n")
        first, *others = path.read_text().splitlines()
        root = bytes.fromhex(first)
        if len(root) != 32:
            raise ValueError(f"{path} does not begin with 64 hexadecimal digits")
        notes = dict(line.split() for line in others)
        smtp_url = notes.pop("smtp-url", SMTP_URL)
        return cls(root, {purpose: int(steps) for purpose, steps in notes.items()}, smtp_url)

    def write(self, path: Path) -> None:
        """Replace the file atomically."""
        notes: dict[str, object] = {**self.steps}
        if self.smtp_url != SMTP_URL:
            notes["smtp-url"] = self.smtp_url
        text = "".join(f"{purpose} {note}\n" for purpose, note in notes.items())
        new = path.with_name(f"{path.name}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{self.secret.hex()}\n{text}")
        new.replace(path)


class Derived:
    """Secrets by what they are for: HMAC-SHA256 of the purpose under the root. 256 bits in hexadecimal, which needs
    quoting nowhere."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self.smtp_url = root.smtp_url
        self.replaceable: set[str] = set()
        """The purposes whose secrets can be replaced step by step."""

    def __call__(self, purpose: str) -> str:
        return hmac.digest(self._root.secret, purpose.encode(), hashlib.sha256).hex()

    def accepted(self, purpose: str) -> str:
        """Return the secrets that are accepted, separated by commas, the one in use first."""
        self.replaceable.add(purpose)
        replaced, step = divmod(self._root.steps.get(purpose, 0), 3)
        old, new = (self(purpose if number == 0 else f"{purpose}/{number}") for number in (replaced, replaced + 1))
        return (old, f"{old},{new}", f"{new},{old}")[step]


def generate(derived: Derived, registry: Mapping[str, Any]) -> list[Secret]:
    """Every program gets what it needs and no more."""
    programs = registry["programs"]
    databases = list(dict.fromkeys(p["deployable"] for p in programs.values() if "postgres" in p.get("servers", ())))
    return [
        *(
            _secret(APP, name, values)
            for name, program in programs.items()
            if (values := _values(derived, name, programs) | _call_keys(derived, name, programs))
        ),
        *(_owner(derived, name) for name in (*databases, "objects")),
        _secret(DATA, "cassandra-superuser", {"username": "admin", "password": derived("cassandra/admin")}),
        _secret(DATA, "cassandra-keystore", {"password": derived("cassandra/keystore")}),
        _secret(DATA, "kafka-passwords", {user: derived(f"kafka/{user}") for user in _kafka_users(registry)}),
        _secret(APP, "keda", {"username": "keda", "password": derived("kafka/keda")}),
        *(_redis(derived, server, programs) for server in ("redis", "feed-redis")),
        _secret(DATA, "seaweedfs-s3", {"s3.json": json.dumps({"identities": _identities(derived, programs)})}),
    ]


def _values(derived: Derived, name: str, programs: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a program that are secret. Those beyond credentials are shared by a deployable's programs."""
    program = programs[name]
    deployable = program["deployable"]
    values = {
        f"PHOTOMESH_{secret}": (derived if secret in PERMANENT else derived.accepted)(f"{deployable}/{secret}")
        for secret in program.get("secrets", ())
    }
    for server in program.get("servers", ()):
        match server:
            case "postgres":
                role = _role(deployable)
                host = f"{deployable}-db-rw.{DATA}.svc:5432"
                password = derived(f"{deployable}-db/password")
                verified = f"sslmode=verify-full&sslrootcert={STORES_CA}"
                values["PHOTOMESH_POSTGRES_DSN"] = f"postgresql://{role}:{password}@{host}/{role}?{verified}"
            case "redis" | "feed-redis":
                password = derived.accepted(f"{server}/{name}").partition(",")[0]
                url = f"redis://{name}:{password}@{server}-master.{DATA}.svc:6379/0"
                values[f"PHOTOMESH_{server.upper().replace('-', '_')}_URL"] = url
            case "cassandra":
                values["PHOTOMESH_CASSANDRA_PASSWORD"] = derived(f"cassandra/{_cassandra_role(name, program)}")
            case "kafka":
                values["PHOTOMESH_KAFKA_PASSWORD"] = derived(f"kafka/{name}")
            case "mail":
                values["PHOTOMESH_SMTP_URL"] = derived.smtp_url
            case "object-storage":
                values["PHOTOMESH_S3_ACCESS_KEY"] = derived(f"object-storage/{name}/access-key")
                values["PHOTOMESH_S3_SECRET_KEY"] = derived(f"object-storage/{name}/secret-key")
    if program.get("makes_roles"):
        roles = [
            other
            for other, declared in programs.items()
            if "cassandra" in declared.get("servers", ()) and not declared.get("makes_roles")
        ]
        values["PHOTOMESH_CASSANDRA_PASSWORDS"] = json.dumps({role: derived(f"cassandra/{role}") for role in roles})
    return values


def _cassandra_role(name: str, program: Mapping[str, Any]) -> str:
    return "admin" if program.get("makes_roles") else name


def _kafka_users(registry: Mapping[str, Any]) -> list[str]:
    programs = [name for name, program in registry["programs"].items() if "kafka" in program.get("servers", ())]
    return [*programs, "operator", "keda", *registry.get("subscribers", ())]


def _redis(derived: Derived, server: str, programs: Mapping[str, Any]) -> Secret:
    """A Redis' administrator, as whom its operator and its replicas log in, and its users: each of its programs, with
    all accepted passwords."""
    administrator = derived(f"{server}/password")
    lines = [f"user default on {_hashed(administrator)} ~* &* +@all"]
    for name, program in programs.items():
        if server in program.get("servers", ()):
            passwords = " ".join(_hashed(one) for one in derived.accepted(f"{server}/{name}").split(","))
            keys = " ".join(f"~{key}" for key in program["redis"]["keys"])
            keys += "".join(f" &{channel}" for channel in program["redis"].get("channels", ()))
            commands = " ".join(f"+{command}" for command in program["redis"]["commands"])
            lines.append(f"user {name} on {passwords} {keys} +@connection {commands} -@dangerous -function")
    users = "".join(f"{line}\n" for line in lines)
    return _secret(DATA, server, {"password": administrator, "user.acl": users})


def _hashed(password: str) -> str:
    """A password as Redis keeps it."""
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"


def _call_keys(derived: Derived, name: str, programs: Mapping[str, Any]) -> dict[str, str]:
    """The keys of calls between services, each of which only the two programs have."""

    def key(caller: str, service: str) -> str:
        return derived.accepted(f"{caller}/call/{service}")

    values: dict[str, str] = {}
    if called := programs[name].get("internal_calls", ()):
        values["PHOTOMESH_CALL_KEYS"] = json.dumps({service: key(name, service) for service in called})
    if callers := [caller for caller, program in programs.items() if name in program.get("internal_calls", ())]:
        values["PHOTOMESH_CALLER_KEYS"] = json.dumps({caller: key(caller, name) for caller in callers})
    return values


def _owner(derived: Derived, name: str) -> Secret:
    """The owner of a CloudNativePG cluster's database."""
    values = {"username": _role(name), "password": derived(f"{name}-db/password")}
    return _secret(DATA, f"{name}-db-owner", values, kind="kubernetes.io/basic-auth")


def _role(name: str) -> str:
    return name.replace("-", "_")


def _identities(derived: Derived, programs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """SeaweedFS's users: every program with its rights. Without credentials one may read a variant by its key."""

    def keys(name: str) -> dict[str, str]:
        return {f"{kind}Key": derived(f"object-storage/{name}/{kind}-key") for kind in ("access", "secret")}

    return [
        *(
            {"name": name, "credentials": [keys(name)], "actions": program["objects"]}
            for name, program in programs.items()
            if "objects" in program
        ),
        {"name": "anonymous", "actions": ["Read:variants"]},
    ]


def _secret(namespace: str, name: str, values: Mapping[str, str], *, kind: str = "Opaque") -> Secret:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app.kubernetes.io/part-of": "photomesh"}},
        "type": kind,
        "stringData": dict(values),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="the file with the root secret; created if it does not exist")
    parser.add_argument("--replace", metavar="SECRET", help="take the next step in replacing this secret")
    parser.add_argument(
        "--smtp-url", metavar="URL", help="the mail server: smtp+starttls:// or smtps://user:password@host"
    )
    arguments = parser.parse_args()
    root = Root.read(arguments.root)
    if arguments.smtp_url:
        root.smtp_url = arguments.smtp_url
        root.write(arguments.root)
    registry = tomllib.loads(REGISTRY.read_text())
    if purpose := arguments.replace:
        derived = Derived(root)
        generate(derived, registry)
        if purpose not in derived.replaceable:
            parser.error(f"{purpose} is none of {', '.join(sorted(derived.replaceable))}")
        root.steps[purpose] = root.steps.get(purpose, 0) + 1
        root.write(arguments.root)
    secrets_ = generate(Derived(root), registry)
    json.dump({"apiVersion": "v1", "kind": "List", "items": secrets_}, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
