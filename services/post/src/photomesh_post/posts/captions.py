"""Captions, and the hashtags and mentions in texts. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import takewhile

from photomesh_post.errors import CaptionTooLong, TooManyHashtags, TooManyMentions
from photomesh_shared.errors import FieldError, Unprocessable

__all__ = [
    "MAX_CAPTION",
    "MAX_HASHTAGS",
    "MAX_MENTIONS",
    "Caption",
    "check_limit",
    "hashtags_in",
    "mentions_in",
]

MAX_CAPTION = 2_200  # code points
MAX_HASHTAGS = 30
MAX_MENTIONS = 20
_MAX_HASHTAG = 100  # code points; a longer run is not a tag

_JOINERS = "_·\u200c\u200d"  # underscore, middle dot (Catalan), zero-width joiners (Persian, Indic scripts)
# Not in the middle of a word or an address, and not the first half of name@host. The ++ gives nothing back, so a name
# that goes on in other letters is no mention of its beginning.
_MENTION = re.compile(r"(?<![\w.@/+-])@([A-Za-z0-9._]++)(?![\w@])")
_USERNAME = re.compile(r"[a-z0-9._]{3,30}")


@dataclass(frozen=True)
class Caption:
    """A caption within the limits, composed (NFC), with the hashtags and mentions found in it."""

    text: str
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]

    @classmethod
    def checked(cls, text: str) -> Caption:
        """Raises CaptionTooLong, TooManyHashtags or TooManyMentions."""
        text = unicodedata.normalize("NFC", text)
        hashtags, mentions = hashtags_in(text), mentions_in(text)
        check_limit("/caption", CaptionTooLong, len(text), MAX_CAPTION, "characters")
        check_limit("/caption", TooManyHashtags, len(hashtags), MAX_HASHTAGS, "hashtags")
        check_limit("/caption", TooManyMentions, len(mentions), MAX_MENTIONS, "mentions")
        return cls(text, hashtags, mentions)


def check_limit(member: str, problem: type[Unprocessable], count: int, limit: int, what: str) -> None:
    """Raises `problem` for the request's `member` if it has more than `limit` of `what`."""
    if count > limit:
        raise problem(errors=[FieldError(member, f"has {count} {what}, and {limit} are allowed")], limit=limit)


def hashtags_in(text: str) -> tuple[str, ...]:
    """Hashtags in the order in which they first appear, each once, without the sign, in lower case (case folding after
    NFKC, so that ＃Ｆｕｊｉ and #fuji are one).

    A tag is a run of letters, digits, marks and joiners of any script with at least one letter. It starts the text or
    follows something that is not part of a word, as in Unicode Standard Annex 31 (hashtag identifiers), without emoji.
    """
    text = unicodedata.normalize("NFKC", text)
    found: dict[str, None] = {}
    end_of_last = -1
    for sign in re.finditer("#", text):
        start, end = sign.span()
        before = text[start - 1] if start else " "
        if (_in_word(before) and start != end_of_last) or before in "&/":
            continue
        tag = "".join(takewhile(_in_word, text[end : end + _MAX_HASHTAG + 1]))
        if len(tag) <= _MAX_HASHTAG and any(character.isalpha() for character in tag):
            end_of_last = end + len(tag)
            found[unicodedata.normalize("NFKC", tag.casefold())] = None
    return tuple(found)


def mentions_in(text: str) -> tuple[str, ...]:
    """Usernames in the order in which they first appear, each once, without the sign, in lower case. A dot at the end
    belongs to the sentence."""
    names = (match[1].rstrip(".").lower() for match in _MENTION.finditer(text))
    return tuple(dict.fromkeys(name for name in names if _USERNAME.fullmatch(name)))


def _in_word(character: str) -> bool:
    return character.isalnum() or character in _JOINERS or unicodedata.category(character).startswith("M")
