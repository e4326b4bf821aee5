"""Tables and columns of migrations, read from their statements, in PostgreSQL's dialect and in Cassandra's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["Tables", "tables_of"]

Tables = dict[str, dict[str, None]]
"""The columns of each table, in the order of the migrations."""

_COMMENT = re.compile(r"--[^\n]*")
_STRING = re.compile(r"'(?:[^']|'')*'")
_CREATE = re.compile(r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)\"?\s*\(", re.IGNORECASE)
_ALTER = re.compile(r"\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?\"?(\w+)\"?\s+([^;]+);", re.IGNORECASE)
_DROP = re.compile(r"\bDROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?\"?(\w+)\"?", re.IGNORECASE)
_ADD = re.compile(r"(?:ADD\s+)?(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)\"?\s", re.IGNORECASE)
_REMOVE = re.compile(r"DROP\s+(?:COLUMN\s+)?(?:IF\s+EXISTS\s+)?\"?(\w+)\"?", re.IGNORECASE)
_RENAME = re.compile(r"RENAME\s+(?:COLUMN\s+)?(\w+)\s+TO\s+(\w+)", re.IGNORECASE)
_RENAME_TABLE = re.compile(r"RENAME\s+TO\s+(\w+)", re.IGNORECASE)
_NO_COLUMN = {"check", "constraint", "exclude", "foreign", "like", "primary", "unique"}
_NO_ADDITION = re.compile(r"(?:ALTER|ATTACH|DETACH|OWNER|SET|VALIDATE|WITH|ADD\s+CONSTRAINT)\b", re.IGNORECASE)


def tables_of(migrations: Iterable[str]) -> Tables:
    """Return what the migrations leave, in their order."""
    tables: Tables = {}
    for text in migrations:
        plain = _STRING.sub("''", _COMMENT.sub("", text))
        found = [*_CREATE.finditer(plain), *_ALTER.finditer(plain), *_DROP.finditer(plain)]
        for statement in sorted(found, key=lambda match: match.start()):
            name = statement[1].lower()
            if statement.re is _CREATE:
                tables[name] = dict.fromkeys(_declared(plain[statement.end() :]))
            elif statement.re is _DROP:
                tables.pop(name, None)
            else:
                _alter(tables, name, statement[2])
    return tables


def _declared(rest: str) -> Iterator[str]:
    """Yield the columns of the parenthesis that was opened before `rest`."""
    for definition in _split(rest):
        if (words := definition.split()) and (name := words[0].strip('"').lower()) not in _NO_COLUMN:
            yield name


def _split(text: str) -> Iterator[str]:
    """Yield the parts between commas, up to the bracket that closes the text."""
    depth, angles, start = 0, 0, 0  # angles are brackets after a word only, as in map<int, int>: others compare
    for place, letter in enumerate(text):
        if letter in "([{":
            depth += 1
        elif letter == "<" and text[place - 1 : place].isalpha():
            angles += 1
        elif letter == ">" and angles:
            angles -= 1
        elif letter in ")]}":
            if depth == 0:
                yield text[start:place]
                return
            depth -= 1
        elif letter == "," and depth == angles == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _alter(tables: Tables, name: str, actions: str) -> None:
    columns = tables.setdefault(name, {})
    if renamed := _RENAME_TABLE.match(actions.strip()):
        tables[renamed[1].lower()] = tables.pop(name)
        return
    for action in (part.strip() for part in _split(actions)):
        if changed := _RENAME.match(action):
            columns[changed[2].lower()] = columns.pop(changed[1].lower(), None)
        elif removed := _REMOVE.match(action):
            columns.pop(removed[1].lower(), None)
        elif not _NO_ADDITION.match(action) and (added := _ADD.match(f"{action} ")):
            columns[added[1].lower()] = None
