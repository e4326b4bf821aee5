"""Generate files from the event models and the catalogue::

    python -m tools.schemas            # schemas/, docs/asyncapi.json, docs/events.md, docs/personal-data.md
    python -m tools.schemas --check    # writes nothing; fails if a file is out of date

    schemas/headers.json                                           the headers of every record
    schemas/<type>.producer.json  <type>.consumer.json             the current version
    schemas/earlier/<type>/<n>.producer.json  <n>.consumer.json    all earlier versions
    schemas/ledger.jsonl                                           what subscribers were promised (tools.ledger)

A version moves to `earlier` if its successor differs in more than descriptions. A change that breaks any version is
refused: add a new event type beside the old one. Another change of a promise needs a reason: --because "…".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photomesh_shared.events import TOPICS, Event, event_types
from photomesh_shared.events.documents.asyncapi import document
from photomesh_shared.events.documents.headers import header_schema
from photomesh_shared.events.documents.schemas import consumer_schema, producer_schema
from tools import ledger
from tools.compatibility import Pair, breaking_changes, shape
from tools.event_docs import event_docs
from tools.personal_data.docs import personal_data_docs
from tools.personal_data.inventory import Inventory

__all__ = ["LEDGER", "ROOT", "committed_versions", "generated", "ledger_entries", "main", "problems"]

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "schemas/ledger.jsonl"
SIDES = ("producer", "consumer")


def generated(root: Path, types: Mapping[str, type[Event]] | None = None) -> dict[Path, str]:
    """Return the generated files by path."""
    types = event_types() if types is None else types
    files: dict[Path, str] = {}
    for name, kind in types.items():
        now = Pair(producer_schema(kind), consumer_schema(kind))
        earlier = committed_versions(root, name)
        if earlier and _shapes(earlier[-1]) != _shapes(now):
            for side in SIDES:
                files[root / f"schemas/earlier/{name}/{len(earlier)}.{side}.json"] = _dump(getattr(earlier[-1], side))
        for side in SIDES:
            files[root / f"schemas/{name}.{side}.json"] = _dump(getattr(now, side))
    return files


def committed_versions(root: Path, name: str) -> list[Pair]:
    """Return the versions of a type in the repository, from the first to the current one."""
    numbers = sorted(int(p.name.split(".")[0]) for p in (root / f"schemas/earlier/{name}").glob("*.producer.json"))
    stems = [root / f"schemas/earlier/{name}/{number}" for number in numbers] + [root / f"schemas/{name}"]
    return [
        Pair(*(json.loads(stem.with_name(f"{stem.name}.{side}.json").read_text()) for side in SIDES))
        for stem in stems
        if stem.with_name(f"{stem.name}.producer.json").exists()
    ]


def problems(root: Path, types: Mapping[str, type[Event]] | None = None) -> list[str]:
    """Return the breaking changes of the models against every version in the repository."""
    types = event_types() if types is None else types
    found = []
    for name, kind in types.items():
        now = Pair(producer_schema(kind), consumer_schema(kind))
        for number, earlier in enumerate(committed_versions(root, name), start=1):
            found += [f"{name}, version {number}: {problem}" for problem in breaking_changes(earlier, now)]
    present = {path.name.removesuffix(".producer.json") for path in (root / "schemas").glob("*.producer.json")}
    found += [f"{name}: the type was removed" for name in sorted(present - types.keys())]
    return found


def _versions(root: Path, name: str, kind: type[Event]) -> list[Pair]:
    """Return the versions of a type including that of its model, which may not have been written yet."""
    now = Pair(producer_schema(kind), consumer_schema(kind))
    committed = committed_versions(root, name)
    known = bool(committed) and _shapes(committed[-1]) == _shapes(now)
    return [*(committed[:-1] if known else committed), now]


def ledger_entries(text: str) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return what the repository's ledger lacks: additions, and changes by their description."""
    types = event_types()
    versions = {name: _versions(ROOT, name, kind) for name, kind in types.items()}
    return ledger.entries(ledger.recorded(text), ledger.current(TOPICS.values(), types, versions))


def _headers() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:photomesh:headers",
        "title": "Headers",
        **header_schema(),
    }


def _shapes(pair: Pair) -> list[Any]:
    return [shape(pair.producer), shape(pair.consumer)]


def _dump(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    parser.add_argument("--because", metavar="REASON", help="record changed promises in the ledger, with this reason")
    parsed = parser.parse_args(arguments)
    check: bool = parsed.check
    if breaking := problems(ROOT):
        print("\n".join(breaking), file=sys.stderr)
        print("Only optional fields may be added; anything else is a new type beside the old one.", file=sys.stderr)
        return 1
    promised = LEDGER.read_text() if LEDGER.exists() else ""
    additions, changes = ledger_entries(promised)
    if changes and (check or not parsed.because):
        print("\n".join(changes), file=sys.stderr)
        print("These change what subscribers were promised: give the reason with --because.", file=sys.stderr)
        return 1
    files = generated(ROOT) | {
        LEDGER: promised + ledger.lines(additions) + ledger.lines(changes.values(), parsed.because),
        ROOT / "schemas/headers.json": _dump(_headers()),
        ROOT / "docs/asyncapi.json": _dump(document()),
        ROOT / "docs/events.md": event_docs(),
        ROOT / "docs/personal-data.md": personal_data_docs(Inventory(ROOT)),
    }
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
