"""Hashtags and mentions, in all the scripts that people write."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from photomesh_post.errors import CaptionTooLong, TooManyHashtags, TooManyMentions
from photomesh_post.posts.captions import Caption, hashtags_in, mentions_in
from photomesh_shared.errors import Unprocessable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#sunset over the lake", ("sunset",)),
        ("Two: #Sunset, #LAKE!", ("sunset", "lake")),
        ("again #sunset and #Sunset and #SUNSET", ("sunset",)),
        ("#a#b", ("a", "b")),
        ("##double", ("double",)),
        ("(#bracketed) “#quoted” –#dashed", ("bracketed", "quoted", "dashed")),
        ("#snow_day_2026", ("snow_day_2026",)),
        ("#2026 #1st #_ #", ("1st",)),
        ("C# is no tag, nor is C#sharp", ()),
        ("https://example.com/#section &#x27;", ()),
        ("#été #Größe #naïve", ("été", "grösse", "naïve")),
        ("#пейзаж #風景 #日本の春 #أصفهان #หิมะ", ("пейзаж", "風景", "日本の春", "أصفهان", "หิมะ")),
        ("#हिन्दी #தமிழ்", ("हिन्दी", "தமிழ்")),
        ("#می‌خواهم", ("می‌خواهم",)),
        ("#col·lecció", ("col·lecció",)),
        ("＃Ｆｕｊｉ and #fuji", ("fuji",)),
        ("#cat🐈 #🐈", ("cat",)),
        ("#" + "a" * 100 + " #" + "b" * 101, ("a" * 100,)),
    ],
)
def test_hashtags(text: str, expected: tuple[str, ...]) -> None:
    assert hashtags_in(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("with @grace", ("grace",)),
        ("@Grace, @ada.l. and @grace", ("grace", "ada.l")),
        ("(@grace) “@ada_l”", ("grace", "ada_l")),
        ("grace@example.com @grace@example.social a/@grace", ()),
        ("@ab @" + "a" * 31, ()),
        ("@" + "a" * 30, ("a" * 30,)),
        ("@adaé @éda", ()),
        ("@ @@ @. @grace@", ()),
        ("@@grace", ()),
    ],
)
def test_mentions(text: str, expected: tuple[str, ...]) -> None:
    assert mentions_in(text) == expected


def test_a_caption_is_composed_before_it_is_measured() -> None:
    caption = Caption.checked("e\u0301" * 2_200)
    assert caption.text == "é" * 2_200


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" * 2_201, CaptionTooLong),
        (" ".join(f"#t{n}" for n in range(31)), TooManyHashtags),
        (" ".join(f"@person{n}" for n in range(21)), TooManyMentions),
    ],
)
def test_limits(text: str, problem: type[Unprocessable]) -> None:
    with pytest.raises(problem) as refused:
        Caption.checked(text)
    assert [error.pointer for error in refused.value.errors] == ["/caption"]


def test_what_is_just_within_the_limits() -> None:
    tags = " ".join(f"#t{n}" for n in range(30))
    people = " ".join(f"@person{n}" for n in range(20))
    caption = Caption.checked(f"{tags} {tags} {people} {people}")
    assert (len(caption.hashtags), len(caption.mentions)) == (30, 20)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
@settings(deadline=None)
@example("#ΰ #ﷺ #⑴a #İ #ﬃ")
def test_any_text_is_read_and_reading_what_was_found_finds_it_again(text: str) -> None:
    for tag in hashtags_in(text):
        assert hashtags_in(f"#{tag}") == (tag,)
    for name in mentions_in(text):
        assert mentions_in(f"@{name}") == (name,)
