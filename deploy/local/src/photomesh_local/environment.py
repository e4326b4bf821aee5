"""The environment of every program, made in this one place (the supervisor, the CLI and tests all ask here)."""

import json
import re
import shlex
from collections.abc import Mapping
from urllib.parse import quote

from photomesh_local.stack import Stack

HOST = "127.0.0.1"
HTTP_PORTS = {
    "gateway": "GATEWAY",
    "identity": "IDENTITY",
    "upload": "UPLOAD",
    "post": "POST",
    "post-consumer": "POST_CONSUMER",
    "post-engagement": "POST_ENGAGEMENT",
    "media-worker": "MEDIA_WORKER",
    "social-graph": "SOCIAL_GRAPH",
    "social-graph-consumer": "SOCIAL_GRAPH_CONSUMER",
    "feed": "FEED",
    "feed-consumer": "FEED_CONSUMER",
    "feed-fanout": "FEED_FANOUT",
}
"""Program → the name of its port in ports.env."""

_SECRETS = {
    "gateway": ("REDIS",),
    "identity": ("REDIS", "POSTGRES", "S3", "IDEMPOTENCY_SECRET", "KEY_ENCRYPTION_SECRET"),
    "upload": ("REDIS", "POSTGRES", "S3", "CURSOR_SECRET", "IDEMPOTENCY_SECRET"),
    "post": ("REDIS", "CURSOR_SECRET", "IDEMPOTENCY_SECRET"),
    "post-consumer": ("S3",),
    "post-engagement": (),
    "media-worker": ("S3", "VARIANT_KEY_SECRET"),
    "social-graph": ("POSTGRES", "CURSOR_SECRET"),
    "social-graph-consumer": ("POSTGRES",),
    "feed": ("FEED_REDIS", "CURSOR_SECRET"),
    "feed-consumer": ("FEED_REDIS",),
    "feed-fanout": ("FEED_REDIS",),
    "provision": ("S3",),
}
"""Program → the secrets that it is trusted with. Everything else is the same for all."""

DATABASES = ("identity", "upload", "social-graph")
"""Services that have a PostgreSQL database; it and its role are named like them, with underscores."""

_RATES = ("RATE_USER", "RATE_ADDRESS", "RATE_READ", "RATE_WRITE", "RATE_UPLOAD", "RATE_AUTH")
"""Out of the way on the test stack; tests of limits set their own."""

_ONE_MACHINE = {
    # One address is everybody here.
    "RATE_ADDRESS": "60000/60",
    "RATE_AUTH": "1200/60",
    # So that a society of a hundred has somebody whose posts are pulled.
    "CELEBRITY_FOLLOWERS": "100",
}


def deployable(program: str) -> str:
    """The deployable that a program is an entry point of: `post` of `post-consumer`."""
    return re.sub("-(consumer|engagement|fanout)$", "", program)


def environment(stack: str | Stack, program: str) -> dict[str, str]:
    """PHOTOMESH_* variables of one program (`provision` for topics and buckets)."""
    stack = stack if isinstance(stack, Stack) else Stack(stack)
    if program not in _SECRETS:
        raise ValueError(f"no environment for {program!r}: it is one of {', '.join(_SECRETS)}")
    values = _common(stack) | _secrets(stack, program)
    if not stack.throwaway:
        values |= _ONE_MACHINE
    elif program == "gateway":
        values |= dict.fromkeys(_RATES, "1000000/60")
    if program in HTTP_PORTS:
        values["PORT"] = str(stack.ports[HTTP_PORTS[program]])
        values["TRACE_FILE"] = str(stack.logs / "traces" / f"{program}.jsonl")
    return {f"PHOTOMESH_{name}": value for name, value in values.items()}


def _common(stack: Stack) -> dict[str, str]:
    def url(port: str) -> str:
        return f"http://{HOST}:{stack.ports[port]}"

    return {
        "ENV": "test" if stack.throwaway else "local",
        "HOST": HOST,
        "LOG_LEVEL": "info",
        "REGION": "local",
        "REGIONS": json.dumps({"local": {"number": 1, "url": url("GATEWAY")}}),
        "PUBLIC_URL": url("GATEWAY"),
        "IDENTITY_URL": url("IDENTITY"),
        "UPLOAD_URL": url("UPLOAD"),
        "POST_URL": url("POST"),
        "SOCIAL_GRAPH_URL": url("SOCIAL_GRAPH"),
        "FEED_URL": url("FEED"),
        "JWKS_URL": url("IDENTITY") + "/.well-known/jwks.json",
        "TOKEN_ISSUER": "photomesh",
        "TOKEN_AUDIENCE": "photomesh-api",
        "KAFKA_BOOTSTRAP": f"{HOST}:{stack.ports['KAFKA']}",
        "KAFKA_REPLICATION": "1",
        "CASSANDRA_HOSTS": HOST,
        "CASSANDRA_PORT": str(stack.ports["CASSANDRA"]),
        "CASSANDRA_DATACENTER": "datacenter1",
        "CASSANDRA_KEYSPACE": "post",
        "CASSANDRA_REPLICATION": "1",
        "S3_ENDPOINT": url("S3"),
        "S3_PUBLIC_ENDPOINT": url("S3"),
        "S3_REGION": "us-east-1",
        "RAW_BUCKET": "raw",
        "VARIANTS_BUCKET": "variants",
        "CDN_URL": url("EDGE") + "/variants",
        # The shield first: an edge purged before it would fetch the old object again.
        "CDN_PURGE_URLS": json.dumps([url("SHIELD"), url("EDGE")]),
    }


def _secrets(stack: Stack, program: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in _SECRETS[program]:
        match name:
            case "REDIS":
                values["REDIS_URL"] = _redis_url(stack, database=0)
            case "FEED_REDIS":
                values["FEED_REDIS_URL"] = _redis_url(stack, database=2)
            case "POSTGRES":
                role = role_of(deployable(program))
                password = stack.secrets[f"POSTGRES_PASSWORD_{role.upper()}"]
                values["POSTGRES_DSN"] = postgres_dsn(stack, role, password, role)
            case "S3":
                values["S3_ACCESS_KEY"] = stack.secrets["S3_ACCESS_KEY"]
                values["S3_SECRET_KEY"] = stack.secrets["S3_SECRET_KEY"]
            case _:
                values[name] = stack.secrets[name]
    return values


def _redis_url(stack: Stack, database: int) -> str:
    return f"redis://:{stack.secrets['REDIS_PASSWORD']}@{HOST}:{stack.ports['REDIS']}/{database}"


def role_of(service: str) -> str:
    """The name of a service's PostgreSQL role, which is that of its database as well."""
    return service.replace("-", "_")


def postgres_dsn(stack: Stack, role: str, password: str, database: str) -> str:
    return f"postgresql://{quote(role)}:{quote(password)}@{HOST}:{stack.ports['POSTGRES']}/{quote(database)}"


def as_lines(values: Mapping[str, str]) -> str:
    """For `eval`, `--env-file` and people: one NAME='value' per line."""
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in sorted(values.items()))
