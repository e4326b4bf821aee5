"""The ledger records every event type and topic policy, and a broken promise does not pass without its reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from photomesh_shared.events import TOPICS, Topic, event_types
from tools import ledger
from tools.compatibility import Pair
from tools.ledger import Contract
from tools.schemas import LEDGER, ROOT, committed_versions, ledger_entries, main

VERSIONS = {name: committed_versions(ROOT, name) for name in event_types()}


def contract(topics: dict[str, Topic] | None = None, versions: dict[str, list[Pair]] | None = None) -> Contract:
    versions = VERSIONS if versions is None else versions
    types = {name: kind for name, kind in event_types().items() if name in versions}
    return ledger.current((topics or dict(TOPICS)).values(), types, versions)


def changed(name: str, **changes: object) -> Contract:
    return contract(dict(TOPICS) | {name: replace(TOPICS[name], **changes)})  # type: ignore[arg-type] # fields by name


def test_nothing_is_missing_and_no_promise_was_broken() -> None:
    assert ledger_entries(LEDGER.read_text()) == ([], {}), 'run `make schemas`, if need be with --because "…"'


def test_changes_of_promises_state_their_reason() -> None:
    known: set[tuple[str, str]] = set()
    before = ""
    for line in LEDGER.read_text().splitlines(keepends=True):
        entry = json.loads(line)
        kind = next(iter(entry))
        if (kind, entry[kind]) in known:
            _, broken = ledger.entries(ledger.recorded(before), ledger.recorded(before + line))
            assert not broken or entry.get("because"), line
        known.add((kind, entry[kind]))
        before += line


def test_lines_are_only_appended() -> None:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    name = str(LEDGER.relative_to(ROOT))
    now = LEDGER.read_text()
    for commit in git("log", "--format=%H", "--diff-filter=AM", "--", name).split():
        assert now.startswith(git("show", f"{commit}:{name}")), f"lines of commit {commit} were edited or removed"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            lambda: changed("posts", cleanup="delete", retention=timedelta(days=7), retention_bytes=1 << 30),
            "posts: cleanup.policy compact → delete",
        ),
        (lambda: changed("photo_ready", retention=timedelta(days=7)), "photo_ready: retention.ms"),
        (lambda: changed("photo_ready", retention=timedelta(days=90)), "photo_ready: retention.ms"),
        (lambda: changed("impressions", retention_bytes=7), "impressions: retention.bytes 34359738368 → 7"),
        (lambda: changed("posts", partitions=48), "posts: partitions"),
        (lambda: changed("posts", max_record_bytes=1000), "posts: max.message.bytes"),
        (lambda: changed("posts", owner="feed"), "posts: owner post → feed"),
    ],
)
def test_each_change_of_a_policy_is_caught(broken: Callable[[], Contract], said: str) -> None:
    before = contract()
    additions, changes = ledger.entries(before, broken())
    assert additions == []
    (description,) = changes
    assert said in description


def test_a_type_that_is_removed_with_all_its_files_is_caught() -> None:
    fewer = {name: pairs for name, pairs in VERSIONS.items() if name != "photomesh.post.edited.v1"}
    _, changes = ledger.entries(contract(), contract(versions=fewer))
    assert list(changes) == ["photomesh.post.edited.v1: the type was removed"]


def test_a_topic_that_is_removed_is_caught() -> None:
    _, changes = ledger.entries(contract(), contract({n: t for n, t in TOPICS.items() if n != "saves"}))
    assert list(changes) == ["saves: the topic was removed"]


def test_another_key_or_subject_is_caught() -> None:
    now = contract()
    kind = event_types()["photomesh.post.liked.v1"]
    other = now.types[kind.type_] | {"subject": "{account_id}"}
    _, changes = ledger.entries(Contract(now.topics, dict(now.types) | {kind.type_: other}), now)
    (description,) = changes
    assert "subject {account_id} → {post_id}" in description


def test_a_schema_edited_in_place_is_caught_and_a_further_version_is_not() -> None:
    name = "photomesh.post.edited.v1"
    (first, *_) = VERSIONS[name]
    edited = Pair(first.producer | {"maxProperties": 3}, first.consumer)
    in_place = contract(versions=VERSIONS | {name: [edited, *VERSIONS[name][1:]]})
    _, changes = ledger.entries(contract(), in_place)
    assert list(changes) == [f"{name}: a committed version of its schemas was edited or removed"]
    additions, changes = ledger.entries(contract(), contract(versions=VERSIONS | {name: [*VERSIONS[name], edited]}))
    assert [entry["type"] for entry in additions] == [name]
    assert changes == {}


def test_a_ledger_reads_as_what_was_written() -> None:
    additions, changes = ledger.entries(Contract(), contract())
    assert changes == {}
    text = ledger.lines(additions)
    assert ledger.recorded(text) == contract()
    _, changes = ledger.entries(contract(), changed("posts", partitions=48))
    text += ledger.lines(changes.values(), "More authors.")
    assert ledger.recorded(text) == changed("posts", partitions=48)
    _, changes = ledger.entries(contract(), contract(versions={}))
    assert ledger.recorded(text + ledger.lines(changes.values(), "All gone.")).types == {}


def test_the_generator_refuses_a_change_without_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.schemas.LEDGER", tmp_path / "ledger.jsonl")
    additions, _ = ledger.entries(Contract(), changed("posts", max_record_bytes=7))
    (tmp_path / "ledger.jsonl").write_text(ledger.lines(additions))
    assert main(["--check", "--because", "A check changes nothing."]) == 1
    assert main([]) == 1
    assert "posts: max.message.bytes 7 → " in capsys.readouterr().err
