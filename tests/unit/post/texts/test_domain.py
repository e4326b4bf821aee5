"""Mentions and hashtags, in all the scripts that people write."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from photomesh_post.texts.domain import entities_in, hashtags_of, linked, usernames_of

CASES = Path(__file__).parents[3] / "cases/texts/mentions.json"


def mentions_in(text: str) -> tuple[str, ...]:
    return usernames_of(entities_in(text))


def hashtags_in(text: str) -> tuple[str, ...]:
    return hashtags_of(entities_in(text))


@pytest.mark.parametrize("case", json.loads(CASES.read_text()), ids=lambda case: case["text"])
def test_mentions_that_touch_other_scripts(case: dict[str, Any]) -> None:
    assert list(mentions_in(case["text"])) == case["mentions"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("with @grace", ("grace",)),
        ("@Grace, @ada.l. and @grace", ("grace", "ada.l")),
        ("(@grace) “@ada_l” .@ada @ada...", ("grace", "ada_l", "ada")),
        ("grace@example.com @grace@example.social a/@grace", ()),
        ("@ab @" + "a" * 31, ()),
        ("@" + "a" * 30, ("a" * 30,)),
        ("@ada..l", ("ada",)),
        ("@adaé @éda é@ada x\u0302@ada @adax\u0302", ()),
        ("почта@ada @adaа α@ada @adaα", ()),
        ("@ @@ @. @grace@ @@grace @http://example.com", ()),
        ("@ada\u200f و@ada מ@ada @adaさん @ada님", ("ada",)),
        ("✌️@ada 🐈@grace", ("ada", "grace")),
        ("@İpek @adaİ @ıpek", ()),
        ("@DILARA @dilara", ("dilara",)),
    ],
)
def test_mentions(text: str, expected: tuple[str, ...]) -> None:
    assert mentions_in(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#sunset over the lake", ("sunset",)),
        ("Two: #Sunset, #LAKE!", ("sunset", "lake")),
        ("again #sunset and #Sunset and #SUNSET", ("sunset",)),
        ("#a#b", ("a", "b")),
        ("##double", ("double",)),
        ("(#bracketed) “#quoted” –#dashed", ("bracketed", "quoted", "dashed")),
        ("#snow_day_2026 #well-known #a+b", ("snow_day_2026", "well", "a")),
        ("#2026 #1st #_ #", ("1st",)),
        ("C# is no tag, nor is C#sharp", ()),
        ("https://example.com/#section &#x27; #https://example.com", ()),
        ("#été #Größe #naïve", ("été", "grösse", "naïve")),
        ("#пейзаж #風景 #日本の春 #أصفهان #หิมะ", ("пейзаж", "風景", "日本の春", "أصفهان", "หิมะ")),
        ("#हिन्दी #தமிழ்", ("हिन्दी", "தமிழ்")),
        ("#می‌خواهم #cat\u200d", ("می‌خواهم", "cat")),
        ("#col·lecció", ("col·lecció",)),
        ("＃Ｆｕｊｉ and #fuji ﹟FUJI", ("fuji",)),
        ("#メ～テレ #メ〜テレ", ("メ〜テレ",)),
        ("#İstanbul #istanbul #ISTANBUL #i\u0307stanbul", ("istanbul",)),
        ("#ışık #IŞIK", ("ışık", "işik")),
        ("#cat🐈 #🐈 #🐈cat", ("cat🐈", "🐈", "🐈cat")),
        ("#❤️ #❤ #❤\ufe0e", ("❤",)),
        (
            "#👨‍👩‍👧 #👍🏽 #🇯🇵 #1️⃣ #🏴\U000e0067\U000e0062\U000e0065\U000e007f",
            ("👨‍👩‍👧", "👍🏽", "🇯🇵", "1⃣", "🏴\U000e0067\U000e0062\U000e0065\U000e007f"),
        ),
        ("🐈#cat #🐈#🐕", ("cat", "🐈", "🐕")),
        ("#️⃣ #brand™ #©", ("brand",)),
        ("#" + "a" * 100 + " #" + "b" * 101, ("a" * 100,)),
    ],
)
def test_hashtags(text: str, expected: tuple[str, ...]) -> None:
    assert hashtags_in(text) == expected


def test_positions_count_code_points() -> None:
    text = "👨‍👩‍👧 with @Grace at #ＦＵＪＩ and @grace"
    found = entities_in(text)
    assert [text[one.start : one.end] for one in (*found.mentions, *found.hashtags)] == [
        "@Grace",
        "@grace",
        "#ＦＵＪＩ",
    ]
    assert (found.mentions[0].start, found.mentions[0].username, found.hashtags[0].tag) == (11, "grace", "fuji")


def test_linking_keeps_what_nobody_is_called() -> None:
    found = linked(entities_in("@ada @nobody @ADA"), {"ada": 7, "grace": 8})
    assert [mention.account_id for mention in found.mentions] == [7, None, 7]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
@settings(deadline=None)
@example("#ΰ #ﷺ #⑴a #İ #ﬃ #i\u0307\u0301 #ｶﾞ #゛ #㊗ #🉐 #ǰ̇")
def test_any_text_is_read_and_reading_what_was_found_finds_it_again(text: str) -> None:
    for tag in hashtags_in(text):
        assert hashtags_in(f"#{tag}") == (tag,)
    for name in mentions_in(text):
        assert mentions_in(f"@{name}") == (name,)


@given(st.text(alphabet=" @#＠＃_.·iİı\u0307\u0301a1é日ﾞ🐈\u200d\ufe0f\u20e3", max_size=40))
@settings(deadline=None)
def test_entities_are_where_they_say_and_in_order(text: str) -> None:
    found = entities_in(text)
    assert all(
        text[one.start] in "@＠" and text[one.start + 1 : one.end].lower() == one.username for one in found.mentions
    )
    assert all(
        text[one.start] in "#＃" and hashtags_in(text[one.start : one.end]) == (one.tag,) for one in found.hashtags
    )
    for entities in (found.mentions, found.hashtags):
        ends = [0, *(one.end for one in entities)]
        assert all(end <= one.start < one.end for end, one in zip(ends, entities, strict=False))


@pytest.mark.parametrize(
    "piece", ["#a", "@a", "#", "@", "a", "@a.", "#1", "İ", "🐈\u200d", "\u200d", "#a\u200d", "@aé", "#a:/", " @ada"]
)
def test_time_is_linear(piece: str) -> None:
    """By a wide margin: quadratic time would take 64 times as long."""
    text = "#" + piece * 20_000

    def seconds(text: str) -> float:
        """The least of three: the garbage collector takes its time from some run."""
        taken = []
        for _ in range(3):
            start = time.process_time()
            entities_in(text)
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(text[: len(text) // 8 * 8]) < 32 * max(seconds(text[: len(text) // 8]), 0.002)
