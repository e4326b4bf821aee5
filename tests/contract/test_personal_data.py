"""Every field of an event, every column, and every kind of Redis keys says what personal data it is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from photomesh_feed.store import keys
from photomesh_shared.events import Event, EventModel, UtcTime, event_types
from photomesh_shared.events.documents.personal_fields import categories_of, undeclared_fields
from photomesh_shared.events.documents.schemas import consumer_schema, producer_schema
from photomesh_shared.ids import PostId, UserId
from photomesh_shared.personal import ACTIVITY, CATEGORIES, CONTENT, IDENTIFIER
from tools.personal_data.columns import tables_of
from tools.personal_data.inventory import Inventory, inventory


class Part(EventModel):
    words: Annotated[str | None, CONTENT] = None
    forgotten: int


class Happened(Event):
    topic: ClassVar[str] = "posts"

    user_id: UserId
    posts: tuple[PostId, ...]
    happened_at: Annotated[UtcTime, ACTIVITY]
    note: str
    parts: tuple[Part, ...] | None = None


def test_every_field_of_an_event_says_whether_it_is_personal() -> None:
    missing = undeclared_fields()
    assert missing == [], (
        "say what each field is by an annotation of its type, such as `bio: Annotated[str, PROFILE]` or "
        "`width: Annotated[int, NOT_PERSONAL]`; the categories are in shared/src/photomesh_shared/personal.py: "
        f"{', '.join(CATEGORIES)}"
    )


def test_a_forgotten_field_is_found_also_within_a_part() -> None:
    assert undeclared_fields({"happened": Happened}) == ["Happened.note", "Part.forgotten"]


def test_ids_declare_themselves_and_parts_speak_for_their_field() -> None:
    assert categories_of(Happened, "user_id") == categories_of(Happened, "posts") == [IDENTIFIER]
    assert categories_of(Happened, "parts") == [CONTENT]


def test_schemas_of_producers_say_category_purpose_basis_and_retention() -> None:
    account = producer_schema(event_types()["photomesh.account.updated.v1"])["properties"]
    photo = producer_schema(event_types()["photomesh.photo.ready.v1"])
    assert account["bio"]["x-personal"].keys() == {"category", "purpose", "basis", "retention"}
    assert account["bio"]["x-personal"]["category"] == "profile"
    assert photo["properties"]["sha256"]["x-personal"]["retention"] == "30 days"
    assert photo["properties"]["width"]["x-personal"] == {"category": "none"}
    assert photo["$defs"]["PhotoMetadata"]["properties"]["lens"]["x-personal"]["category"] == "device"


def test_schemas_of_consumers_have_no_keyword_that_strict_validators_refuse() -> None:
    assert all("x-personal" not in str(consumer_schema(kind)) for kind in event_types().values())


def test_every_column_of_the_migrations_says_whether_it_is_personal() -> None:
    assert inventory().problems() == [], "the form is explained in CONTRIBUTING.md, under “Personal data”"


def test_migrations_are_found() -> None:
    tables = inventory().tables
    assert tables["upload", "postgresql"]["uploads"].keys() >= {"multipart_id", "cleared", "announced"}
    assert tables["post", "cassandra"]["posts"].keys() >= {"alt_texts", "deleted", "entities"}


def test_columns_are_read_from_the_statements_of_both_databases() -> None:
    tables = tables_of(
        [
            """
            CREATE TABLE a ( -- with a comment, and another
                id bigint PRIMARY KEY, "Name" text DEFAULT 'a, (b' CHECK (id > 0 AND id <> 7), gone int,
                CONSTRAINT one UNIQUE (id, gone), was int
            );
            CREATE TABLE IF NOT EXISTS b (id bigint, m frozen<map<bigint, text>>, n int static, PRIMARY KEY ((id), m))
            WITH compaction = {'class': 'X'};
            CREATE TABLE c (id int);
            """,
            "ALTER TABLE a ADD COLUMN x int, ADD COLUMN IF NOT EXISTS y text DEFAULT 'ADD z';"
            "ALTER TABLE a ALTER COLUMN id SET NOT NULL;",
            "ALTER TABLE b ADD IF NOT EXISTS p text; ALTER TABLE a DROP COLUMN gone, DROP CONSTRAINT one;"
            "ALTER TABLE a RENAME COLUMN was TO is_now; DROP TABLE c;",
        ]
    )
    assert {name: list(columns) for name, columns in tables.items()} == {
        "a": ["id", "name", "x", "y", "is_now"],
        "b": ["id", "m", "n", "p"],
    }


def test_missing_and_superfluous_columns_are_named_with_their_place(tmp_path: Path) -> None:
    folder = tmp_path / "services/x"
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations/0001_a.sql").write_text("CREATE TABLE a (id int, mail text); CREATE TABLE b (id int);")
    (folder / "personal.toml").write_text(
        '[postgresql.a]\nkept = "a day"\nof = "who"\nidentifier = ["id", "gone"]\n[postgresql.c]\nkept = "a day"\n'
    )
    problems = Inventory(tmp_path).problems()
    assert len(problems) == 5
    assert any('[postgresql.a]: the column "mail" is missing' in problem for problem in problems)
    assert any('[postgresql.a]: no migration has the column "gone"' in problem for problem in problems)
    assert any('of = "who" is none of its columns' in problem for problem in problems)
    assert any('[postgresql.b]: the column "id" is missing' in problem for problem in problems)
    assert any("[postgresql.c]: no migration has this table" in problem for problem in problems)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[mongo.a]\nkept = "a day"', "the stores are"),
        ('[redis.a]\nnone = ["value"]', "kept = … is missing"),
        ('[redis.a]\nkept = "a day"\nsecret = ["value"]', "none of the categories"),
        ('[redis.a]\nkept = "a day"\nnone = ["value"]\ncontent = ["value"]', "in two categories"),
    ],
)
def test_a_malformed_declaration_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/personal.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        _ = Inventory(tmp_path).stored


def test_every_kind_of_keys_in_feeds_redis_is_declared() -> None:
    """The functions of `keys` that return a key, and its names without parameters."""
    fixed = {keys.PULLED, keys.REFILLING, keys.POPULAR_KNOWN, keys.SINCE}
    made = set()
    for _, make in inspect.getmembers(keys, inspect.isfunction):
        parameters = inspect.signature(make).parameters
        if inspect.signature(make).return_annotation == "str":
            made.add(make(*(1 if name.endswith("_id") else "x" for name in parameters)))
    declared = [one.name for one in inventory().stored if (one.deployable, one.store) == ("feed", "redis")]
    patterns = [re.compile(re.sub(r"\\{\w+\\}", "[^:]+", re.escape(name))) for name in declared]
    unknown = {key for key in fixed | made if not any(pattern.fullmatch(key) for pattern in patterns)}
    assert unknown == set(), "declare these keys in services/feed/personal.toml, [redis.…]"
