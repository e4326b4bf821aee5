"""Captions within their limits."""

from __future__ import annotations

import pytest

from photomesh_post.errors import CaptionTooLong, TooManyHashtags, TooManyMentions
from photomesh_post.posts.captions import Caption
from photomesh_post.texts.domain import hashtags_of, usernames_of
from photomesh_shared.errors import InvalidRequest, Unprocessable


def test_a_caption_is_composed_before_it_is_measured() -> None:
    caption = Caption.checked("e\u0301" * 2_200)
    assert caption.text == "é" * 2_200


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" * 2_201, CaptionTooLong),
        (" ".join(f"#t{n}" for n in range(31)), TooManyHashtags),
        (" ".join(f"@person{n}" for n in range(21)), TooManyMentions),
        ("#a" * 101, TooManyHashtags),
        ("@ada " * 101, TooManyMentions),
        ("#a" * 520_000, CaptionTooLong),
        ("a" + "\u0327\u0301" * 500_000, CaptionTooLong),
        ("a\0b", InvalidRequest),
        ("a\u202eb", InvalidRequest),
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
    assert (len(hashtags_of(caption.entities)), len(usernames_of(caption.entities))) == (30, 20)


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u3164\u2800"])
def test_what_cannot_be_seen_is_no_caption(text: str) -> None:
    assert Caption.checked(text).text == ""
