"""A text is found by what people type."""

from __future__ import annotations

import pytest

from photomesh_search.texts.domain import MAX_TEXT, fold, indexed, searched


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Zoë", "zoe"),
        ("ZOE\u0308", "zoe"),
        ("İstanbul", "istanbul"),
        ("ISTANBUL", "istanbul"),
        ("ılık", "ilik"),
        ("Straße", "strasse"),
        ("Łódź", "lodz"),
        ("Ærø", "aero"),
        ("Αθήνα", "αθηνα"),
        ("ΟΔΟΣ", "οδος"),
        ("ｆｕｊｉ", "fuji"),
        ("ﬁlm", "film"),
    ],
)
def test_accents_case_and_widths_do_not_matter(written: str, typed: str) -> None:
    assert fold(written) == fold(typed)


@pytest.mark.parametrize(("one", "other"), [("й", "и"), ("か", "が"), ("กา", "กำ")])
def test_marks_that_make_another_letter_do(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("富士山の熱力学", "熱力学"),
        ("富士山の熱力学", "学"),
        ("カメラ日和", "カメラ"),
        ("서울의 밤", "서울"),
        ("ทะเลสวยมาก", "สวย"),
        ("Sunrise 🌅 today", "🌅"),
        ("A family 👨‍👩‍👧 picture", "👨‍👩‍👧"),
        ("Trip to 🇯🇵", "🇯🇵"),
        ("It's 5 o'clock", "o'clock"),
        ("नमस्ते दुनिया", "दुनिया"),
        ("صباح الخير", "الخير"),
    ],
)
def test_a_word_of_a_text_finds_it(text: str, query: str) -> None:
    words = indexed(text)
    for neighbours in searched(query):
        size = len(neighbours)
        assert any(words[start : start + size] == neighbours for start in range(len(words))) or any(
            size == 1 and word.startswith(neighbours[0]) for word in words
        )


def test_other_flags_and_emoji_are_other_words() -> None:
    assert set(indexed("🇯🇵")).isdisjoint(indexed("🇰🇷"))
    assert indexed("☕") == indexed("☕\ufe0f")


@pytest.mark.parametrize("sign", ["*", '"', "(", "\\", "?", "~", "\x00", "a" * 9, "𝕒", "é", "👍🏽", "ก", "ー", "‍"])
def test_no_text_becomes_much_longer(sign: str) -> None:
    assert sum(map(len, indexed(sign * MAX_TEXT))) <= 4 * MAX_TEXT
