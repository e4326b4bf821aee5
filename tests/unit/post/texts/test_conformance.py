"""twitter-text's own cases. Where the grammar differs on purpose, `DIFFERENT` says what comes out, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from photomesh_post.texts.domain import entities_in

CASES = Path(__file__).parents[3] / "cases/twitter-text/extract.yml"
SECTIONS: dict[str, list[dict[str, Any]]] = yaml.safe_load(CASES.read_text())["tests"]
# There are no retweets here, and rt@username is the beginning of an address.
DIFFERENT = {f"{rt}@username {rt}:@mention {rt} @test": ["mention", "test"] for rt in ("RT", "rt", "Rt", "rT")}


def cases(*sections: str) -> list[Any]:
    return [
        pytest.param(
            case["text"], DIFFERENT.get(case["text"], case["expected"]), id=f"{section}: {case['description']}"
        )
        for section in sections
        for case in SECTIONS[section]
    ]


@pytest.mark.parametrize(("text", "expected"), cases("mentions"))
def test_mentions(text: str, expected: list[str]) -> None:
    assert [text[found.start + 1 : found.end] for found in entities_in(text).mentions] == expected


@pytest.mark.parametrize(("text", "expected"), cases("mentions_with_indices"))
def test_positions_of_mentions(text: str, expected: list[dict[str, Any]]) -> None:
    found = [{"screen_name": one.username, "indices": [one.start, one.end]} for one in entities_in(text).mentions]
    assert found == expected


@pytest.mark.parametrize(("text", "expected"), cases("hashtags", "hashtags_from_astral"))
def test_hashtags(text: str, expected: list[str]) -> None:
    assert [text[found.start + 1 : found.end] for found in entities_in(text).hashtags] == expected


@pytest.mark.parametrize(("text", "expected"), cases("hashtags_with_indices"))
def test_positions_of_hashtags(text: str, expected: list[dict[str, Any]]) -> None:
    found = [{"hashtag": one.tag, "indices": [one.start, one.end]} for one in entities_in(text).hashtags]
    assert found == expected


def test_the_differences_are_cases() -> None:
    texts = {case["text"] for cases in SECTIONS.values() for case in cases}
    assert set(DIFFERENT) <= texts
