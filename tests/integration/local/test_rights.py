"""With the credentials of each program, whatever it must do works, and everything else is refused.

What it must do follows from the registry of programs and the catalogue of topics. Calls between services:
`tests/contract/test_internal_api.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase

import asyncpg
import httpx
import pytest
from cassandra import Unauthorized
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from photomesh_local.configuration import registry
from photomesh_local.configuration.environment import DATABASES
from photomesh_shared.errors import DatabaseUnavailable, ObjectStorageUnavailable
from photomesh_shared.settings import CassandraSettings, StorageSettings
from photomesh_shared.stores.cassandra import open_session
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage, open_storage
from tests.conftest import Environment
from tests.support.objects import open_all_objects
from tests.support.redis import as_administrator
from tests.support.services import settings_from

KEYS = (
    ("raw", "up_0rights/original"),
    ("raw", "metadata/p_0rights.json"),
    ("raw", "models/0rights/current.json"),
    ("variants", "p_0rights/t/640.jpg"),
    ("variants", "avatars/u_0rights/t/150.jpg"),
)
Attempt = Callable[[ObjectStorage, str, str], Awaitable[object]]
ATTEMPTS: dict[str, Attempt] = {
    "Read": lambda storage, bucket, key: storage.get(bucket, key, max_bytes=1_000),
    "Write": lambda storage, bucket, key: storage.put(bucket, key, b"x", content_type="text/plain"),
    "List": lambda storage, bucket, key: storage.list_keys(bucket, key),
    # Rights of the buckets themselves.
    "Admin": lambda storage, bucket, _: storage._call("get_bucket_cors", Bucket=bucket),
}


async def _allowed(attempt: Awaitable[object]) -> bool:
    try:
        await attempt
    except NoSuchObject:
        return True
    except ObjectStorageUnavailable as error:
        if "AccessDenied" in str(error):
            return False
        if "NoSuchCORSConfiguration" not in str(error):
            raise
    return True


@pytest.fixture(scope="module")
async def objects(servers: object) -> None:
    """An object of each kind."""
    async with open_all_objects() as storage:
        for bucket, key in KEYS:
            await storage.put(bucket, key, b"x", content_type="text/plain")


@pytest.mark.parametrize("program", [name for name, program in registry.PROGRAMS.items() if program.objects])
async def test_object_storage(program: str, objects: None, service_environment: Environment) -> None:
    rights = registry.PROGRAMS[program].objects
    async with open_storage(settings_from(StorageSettings, service_environment(program))) as storage:
        for bucket, key in KEYS:
            for action, attempt in ATTEMPTS.items():
                wanted = f"Admin:{bucket}" in rights or any(fnmatchcase(f"{action}:{bucket}/{key}", r) for r in rights)
                assert await _allowed(attempt(storage, bucket, key)) is wanted, (action, bucket, key)
        assert not await _allowed(storage._call("create_bucket", Bucket="another"))


async def test_without_credentials_one_may_read_a_variant_and_nothing_else(
    objects: None, service_environment: Environment
) -> None:
    endpoint = service_environment("upload")["PHOTOMESH_S3_ENDPOINT"]
    async with httpx.AsyncClient(base_url=endpoint) as client:
        for bucket, key in KEYS:
            assert (await client.get(f"/{bucket}/{key}")).status_code == (200 if bucket == "variants" else 403)
            assert (await client.put(f"/{bucket}/{key}", content=b"y")).status_code == 403
            assert (await client.delete(f"/{bucket}/{key}")).status_code == 403
            assert (await client.get(f"/{bucket}?list-type=2")).status_code == 403


@pytest.mark.parametrize("program", registry.CASSANDRA_GRANTS)
async def test_cassandra(program: str, servers: object, service_environment: Environment) -> None:
    needed = {
        "SELECT": "SELECT name FROM schema_migrations LIMIT 1",
        "MODIFY": "DELETE FROM schema_migrations WHERE name = 'of nobody'",
        "CREATE": "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)",
        "ALTER": "ALTER TABLE schema_migrations WITH comment = ''",
        "DROP": "DROP TABLE IF EXISTS absent",
        "superuser": "CREATE ROLE another",
        "keyspaces": "CREATE KEYSPACE another WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "passwords": "SELECT * FROM system_auth.roles",
    }
    settings = settings_from(CassandraSettings, service_environment(program))
    async with open_session(settings) as session:
        for right, statement in needed.items():
            try:
                await session.execute(statement)
                allowed = True
            except Unauthorized:
                allowed = False
            assert allowed is (right in registry.CASSANDRA_GRANTS[program]), right


@pytest.mark.parametrize(
    "login", [("", ""), ("post", "wrong"), ("nobody", "x"), ("cassandra", "cassandra"), ("admin", "")], ids=str
)
async def test_nobody_else_gets_into_cassandra(
    login: tuple[str, str], servers: object, service_environment: Environment
) -> None:
    user, password = login
    settings = settings_from(
        CassandraSettings, service_environment("post"), cassandra_user=user, cassandra_password=password
    )
    with pytest.raises(DatabaseUnavailable):
        async with open_session(settings):
            pass


@pytest.mark.parametrize(
    "program", [name for name, program in registry.PROGRAMS.items() if "postgres" in program.servers]
)
async def test_postgres(program: str, servers: object, service_environment: Environment) -> None:
    dsn = service_environment(program)["PHOTOMESH_POSTGRES_DSN"]
    own = registry.PROGRAMS[program].deployable.snake_case
    for database in DATABASES:
        if database == own:
            connection = await asyncpg.connect(dsn)
            try:
                assert await connection.fetchval("SELECT count(*) FROM schema_migrations") > 0
                for statement in ("CREATE DATABASE another", "CREATE ROLE another", "ALTER ROLE photomesh NOLOGIN"):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(statement)
            finally:
                await connection.close()
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(dsn.rpartition("/")[0] + f"/{database}")


REDIS_KEYS = (
    "rl:read:u_0rights",
    "snowflake:1:7",
    "idempotency-lock:ab",
    "f:1",
    "p:1",
    "u:1",
    "rk:1:x",
    "pulled",
    "since",
)
"""One of each kind: of the gateway, of services that make ids, of feeds."""
DANGEROUS = (
    ("FLUSHDB",),
    ("FLUSHALL",),
    ("KEYS", "*"),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SHUTDOWN",),
    ("REPLICAOF", "NO", "ONE"),
    ("DEBUG", "SLEEP", "0"),
    ("MONITOR",),
    ("SCRIPT", "FLUSH"),
    ("FUNCTION", "FLUSH"),
    ("SUBSCRIBE", "x"),
)
REDIS_PROGRAMS = [name for name, program in registry.PROGRAMS.items() if program.redis]


def _redis_url(program: str, environment: Environment) -> str:
    values = environment(program)
    return values.get("PHOTOMESH_REDIS_URL") or values["PHOTOMESH_FEED_REDIS_URL"]


@pytest.mark.parametrize("program", REDIS_PROGRAMS)
async def test_redis(program: str, servers: object, service_environment: Environment) -> None:
    """That its commands suffice is shown by the tests of each program, which log in as it does."""
    rights = registry.PROGRAMS[program].redis
    assert rights
    url = _redis_url(program, service_environment)
    async with Redis.from_url(url) as redis, Redis.from_url(as_administrator(url)) as administrator:
        assert await redis.ping()

        async def may(*command: str) -> bool:
            return bool(await administrator.acl_dryrun(program, *command) == b"OK")

        for key in REDIS_KEYS:
            own = any(fnmatchcase(key, pattern) for pattern in rights.keys)
            assert await may("SET", key, "x") is own, key
            assert await may("EVALSHA" if "evalsha" in rights.commands else "EVAL", "x", "1", key) is own, key
        for command in DANGEROUS:
            assert not await may(*command), command
        with pytest.raises(NoPermissionError):
            await redis.flushdb()
        if "eval" in rights.commands:  # a script may do no more, whatever keys it names
            with pytest.raises(ResponseError, match="can't access"):
                await redis.eval("return redis.call('SET', 'somebody-elses', '1')", 0)


@pytest.mark.parametrize("login", ["", ":wrong@", "post:wrong@", "nobody:x@", "default:@"], ids=str)
async def test_nobody_else_gets_into_redis(login: str, servers: object, service_environment: Environment) -> None:
    address = service_environment("post")["PHOTOMESH_REDIS_URL"].rpartition("@")[2]
    async with Redis.from_url(f"redis://{login}{address}") as redis:
        with pytest.raises(AuthenticationError):
            await redis.ping()


def test_whoever_uses_redis_says_what_for() -> None:
    users = [name for name, p in registry.PROGRAMS.items() if {"redis", "feed-redis"} & set(p.servers)]
    assert users == REDIS_PROGRAMS
