"""Which characters texts may have, and which of them are seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from photomesh_shared.text import normalize_line, normalize_text

CASES = Path(__file__).parents[2] / "cases/texts/unseen.json"

LRE, PDF, RLO, RLI, FSI, PDI = "\u202a", "\u202c", "\u202e", "\u2067", "\u2068", "\u2069"


@pytest.mark.parametrize("case", json.loads(CASES.read_text()), ids=lambda case: ascii(case["text"]))
def test_cases_of_comments(case: dict[str, Any]) -> None:
    try:
        accepted = bool(normalize_text(case["text"]))
    except ValueError:
        accepted = False
    assert accepted == (case["status"] == 201)


@pytest.mark.parametrize("control", ["\0", "\a", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_control_characters_are_refused(control: str) -> None:
    for rule in (normalize_text, normalize_line):
        with pytest.raises(ValueError):
            rule(f"a{control}b")


@pytest.mark.parametrize("text", ["a\nb", "a\tb"])
def test_line_breaks_and_tabs_are_for_texts_of_several_lines(text: str) -> None:
    assert normalize_text(text) == text
    with pytest.raises(ValueError):
        normalize_line(text)


def test_line_breaks_have_one_form() -> None:
    assert normalize_text("a\r\nb\rc\n") == "a\nb\nc\n"


@pytest.mark.parametrize(
    "text", [f"a{LRE}b{PDF}c", f"{FSI}{RLO}a{PDF}{PDI}", f"{RLI}{RLO}a{PDI}b", "a\u200fb", f"{RLI}{FSI}{PDI}{PDI}a"]
)
def test_bidirectional_controls_that_end_are_for_texts(text: str) -> None:
    assert normalize_text(text) == text


@pytest.mark.parametrize(
    "text",
    [f"a{LRE}b", f"a{RLO}b", f"{RLI}a", f"a{PDF}", f"a{PDI}", f"{RLO}a{PDI}", f"{RLI}a{PDF}", f"{LRE}{RLI}{PDF}{PDI}"],
)
def test_bidirectional_controls_without_their_counterpart_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        normalize_text(text)


def test_names_have_no_bidirectional_controls_at_all() -> None:
    with pytest.raises(ValueError):
        normalize_line(f"a{FSI}b{PDI}c")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \u00a0\u3000",
        "\u200b",
        "\u3164",
        "\uffa0\u115f",
        "\u2800",
        "\ufeff\u200d",
        "\u00ad",
        "\ufe0f",
        "\U000e0041",
    ],
)
def test_what_cannot_be_seen_is_empty(text: str) -> None:
    assert normalize_text(text) == normalize_line(text) == ""


@pytest.mark.parametrize(
    "text", ["a", ".", "\u0301", "\uf8ff", "👨‍👩‍👧", "نیم\u200cفاصله", "\u0600", "ㅤa", "\U0001fae9"]
)
def test_everything_else_is_seen(text: str) -> None:
    assert normalize_text(text) == text


def test_texts_are_composed() -> None:
    assert normalize_text("e\u0301") == "é"
    assert normalize_line("  e\u0301 ") == "é"
