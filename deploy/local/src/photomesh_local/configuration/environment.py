"""The environment of every program, made in this one place (the supervisor, the CLI and tests use it)."""

import json
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import quote

from photomesh_local.configuration import registry
from photomesh_local.configuration.receiver import RECEIVER_PORT
from photomesh_local.configuration.registry import Program, callers_of
from photomesh_local.configuration.secrets import (
    call_key,
    cassandra_password,
    kafka_password,
    object_storage_keys,
    redis_password,
)
from photomesh_local.configuration.stack import Stack

HOST = "127.0.0.1"

DATABASES = tuple(deployable.snake_case for deployable in registry.DEPLOYABLES.values() if deployable.postgres)
"""PostgreSQL databases; each belongs to a role of the same name."""

_RATES = (
    "RATE_USER",
    "RATE_ADDRESS",
    "RATE_READ",
    "RATE_WRITE",
    "RATE_UPLOAD",
    "RATE_SEARCH",
    "RATE_AUTH",
    "RATE_REFRESH",
)
"""Out of the way on the test stack; tests of limits set their own."""

_BUDGETS = ("BUDGET_REGISTRATIONS", "BUDGET_LOGINS", "BUDGET_RECORDS", "BUDGET_TOGGLES", "BUDGET_IMPRESSIONS")
"""The same."""

ONE_MACHINE = {
    # All requests come from one address here.
    "RATE_ADDRESS": "60000/60",
    "RATE_AUTH": "1200/60",
    "RATE_REFRESH": "6000/60",
    "FAILURES_ADDRESS": "6000/60",
    "ACCOUNTS_PER_ADDRESS": "10000",
    "MAX_IN_FLIGHT_PER_ADDRESS": "512",
    # So that a society of a hundred has somebody whose posts are pulled.
    "CELEBRITY_FOLLOWERS": "100",
    # So that nobody who tries pushes waits for long.
    "PUSH_WINDOW_SECONDS": "5",
    "PUSH_PERSONAL_WINDOW_SECONDS": "5",
}


def environment(stack: str | Stack, program: str) -> dict[str, str]:
    """PHOTOMESH_* variables of one program of the registry. Raises ValueError if there is none of that name."""
    stack = stack if isinstance(stack, Stack) else Stack(stack)
    if program not in registry.PROGRAMS:
        raise ValueError(f"no environment for {program!r}: it is one of {', '.join(registry.PROGRAMS)}")
    declared = registry.PROGRAMS[program]
    values = (
        _common(stack)
        | _credentials(stack, declared)
        | _call_keys(stack, declared)
        | {name: stack.secrets[name] for name in declared.secrets}
        | dict(declared.environment)
    )
    if declared.makes_roles:
        values |= cassandra_roles(stack.secrets.__getitem__)
    if "cassandra" in declared.servers:
        values["CASSANDRA_KEYSPACE"] = declared.deployable.snake_case
    if not stack.throwaway:
        values |= ONE_MACHINE
    elif program == "gateway":
        values |= (
            dict.fromkeys(_RATES, "1000000/60")
            | dict.fromkeys(_BUDGETS, "1000000")
            | {"MAX_IN_FLIGHT_PER_ADDRESS": "512"}
        )
    elif program == "feed":
        values["SUGGESTION_SECONDS"] = "2"  # a machine that runs tests is slow
    elif program == "identity":
        values["FAILURES_ADDRESS"] = "1000000/60"
    elif program == "notification-push":
        values |= {name: ONE_MACHINE[name] for name in ("PUSH_WINDOW_SECONDS", "PUSH_PERSONAL_WINDOW_SECONDS")}
    if declared.kind != "job":
        values["PROGRAM"] = program
    if declared.port:
        values["PORT"] = str(stack.ports[declared.variable])
        values["TRACE_FILE"] = str(stack.logs / "traces" / f"{program}.jsonl")
        if not stack.throwaway:
            values["TRACE_SHARE"] = "1"  # nobody minds what it costs, and `make trace` shows every request
    return {f"PHOTOMESH_{name}": value for name, value in values.items()}


def kafka_environment(stack: str | Stack, user: str | None = None) -> dict[str, str]:
    """PHOTOMESH_KAFKA_* variables of a user; of the administrator if there is no `user`."""
    stack = stack if isinstance(stack, Stack) else Stack(stack)
    if user is None:
        login = {"SASL_MECHANISM": "PLAIN", "USER": "admin", "PASSWORD": stack.secrets["KAFKA_PASSWORD"]}
    else:
        login = {"SASL_MECHANISM": "SCRAM-SHA-512", "USER": user, "PASSWORD": stack.secrets[kafka_password(user)]}
    values = {"BOOTSTRAP": f"{HOST}:{stack.ports['KAFKA']}", "SECURITY_PROTOCOL": "SASL_PLAINTEXT", **login}
    return {f"PHOTOMESH_KAFKA_{name}": value for name, value in values.items()}


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
        **{f"{service.variable}_URL": url(service.variable) for service in registry.UPSTREAMS},
        "JWKS_URL": url("IDENTITY") + "/.well-known/jwks.json",
        "TOKEN_ISSUER": "photomesh",
        "TOKEN_AUDIENCE": "photomesh-api",
        "KAFKA_BOOTSTRAP": f"{HOST}:{stack.ports['KAFKA']}",
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_REPLICATION": "1",
        "CASSANDRA_HOSTS": HOST,
        "CASSANDRA_PORT": str(stack.ports["CASSANDRA"]),
        "CASSANDRA_DATACENTER": "datacenter1",
        "CASSANDRA_REPLICATION": "1",
        "S3_ENDPOINT": url("S3"),
        "S3_PUBLIC_ENDPOINT": url("S3"),
        "S3_REGION": "us-east-1",
        "OPENSEARCH_URL": url("OPENSEARCH"),
        "RAW_BUCKET": "raw",
        "VARIANTS_BUCKET": "variants",
        "EXPORTS_BUCKET": "exports",
        "CDN_URL": url("EDGE") + "/variants",
        # The shield first: an edge purged before it would fetch the old object again.
        "CDN_PURGE_URLS": json.dumps([url("SHIELD"), url("EDGE")]),
    }


def _credentials(stack: Stack, program: Program) -> dict[str, str]:
    """How it logs in to its servers."""
    values: dict[str, str] = {}
    for server in program.servers:
        match server:
            case "redis":
                values["REDIS_URL"] = redis_url(stack, program, database=0)
            case "feed-redis":
                values["FEED_REDIS_URL"] = redis_url(stack, program, database=2)
            case "postgres":
                role = program.deployable.snake_case
                password = stack.secrets[f"POSTGRES_PASSWORD_{role.upper()}"]
                values["POSTGRES_DSN"] = postgres_dsn(stack, role, password, role)
            case "cassandra":
                values["CASSANDRA_USER"] = cassandra_role(program)
                values["CASSANDRA_PASSWORD"] = stack.secrets[cassandra_password(program)]
            case "kafka":
                values["KAFKA_USER"] = program.name
                values["KAFKA_PASSWORD"] = stack.secrets[kafka_password(program.name)]
            case "mail":
                values["SMTP_URL"] = f"smtp://{HOST}:{stack.ports['MAIL']}"
            case "internet":
                # Besides, this one address of the machine. No other place sets these.
                values["OUTBOUND_TEST_RECEIVERS"] = json.dumps([f"{stack.receiver}:{RECEIVER_PORT}"])
                values["OUTBOUND_TEST_AUTHORITY"] = str(stack.receiver_certificate)
            case "object-storage":
                access_key, secret_key = object_storage_keys(program)
                values["S3_ACCESS_KEY"] = stack.secrets[access_key]
                values["S3_SECRET_KEY"] = stack.secrets[secret_key]
    return values


def cassandra_role(program: Program) -> str:
    return "admin" if program.makes_roles else program.name


def cassandra_roles(secret: Callable[[str], str]) -> dict[str, str]:
    """The settings of the job that makes Cassandra's roles. `secret` gives the value of a secret by its name."""
    grants = registry.CASSANDRA_GRANTS
    passwords = {name: secret(cassandra_password(registry.PROGRAMS[name])) for name in grants}
    return {
        "CASSANDRA_PASSWORDS": json.dumps(passwords),
        "CASSANDRA_GRANTS": json.dumps(grants),
        "CASSANDRA_KEYSPACES": json.dumps(registry.CASSANDRA_KEYSPACES),
    }


def _call_keys(stack: Stack, program: Program) -> dict[str, str]:
    """With what it proves who it is to other services, and they to it."""
    values: dict[str, str] = {}
    if program.internal_calls:
        called = {name: stack.secrets[call_key(program, registry.PROGRAMS[name])] for name in program.internal_calls}
        values["CALL_KEYS"] = json.dumps(called)
    if callers := callers_of(program):
        values["CALLER_KEYS"] = json.dumps(
            {caller.name: stack.secrets[call_key(caller, program)] for caller in callers}
        )
    return values


def redis_url(stack: Stack, program: Program | None, *, database: int) -> str:
    """How a program logs in to Redis; the administrator if there is no `program`."""
    user, secret = (program.name, redis_password(program)) if program else ("", "REDIS_PASSWORD")
    return f"redis://{user}:{stack.secrets[secret]}@{HOST}:{stack.ports['REDIS']}/{database}"


def postgres_dsn(stack: Stack, role: str, password: str, database: str) -> str:
    return f"postgresql://{quote(role)}:{quote(password)}@{HOST}:{stack.ports['POSTGRES']}/{quote(database)}"


def as_lines(values: Mapping[str, str]) -> str:
    """For `eval`, `--env-file` and people: one NAME='value' per line."""
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in sorted(values.items()))
