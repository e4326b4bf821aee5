"""Words of texts, the same when they are indexed and when they are searched for. Pure.

OpenSearch analyses nothing: it splits at spaces what this has made. So a text is found by the words that anybody would
type, whatever the version of a server's dictionaries.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import regex

__all__ = ["MAX_TEXT", "fold", "indexed", "searched"]

MAX_TEXT = 10_000
"""Characters of a text that are looked at."""

# Letters that no decomposition takes apart, and that people type without their stroke.
_SIMPLE = str.maketrans({"ı": "i", "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"})
# Marks that may go: those of Latin and Greek. Elsewhere they make another letter (й), or carry the vowels.
_MARKED = regex.compile(r"([\p{Script=Latin}\p{Script=Greek}])\p{Mn}++")
# Scripts that do not put spaces between words: pairs of neighbours stand for words.
_UNSPACED = (
    r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Hangul}"
    r"\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}"
)
_PART = regex.compile(
    rf"(?P<unspaced>[{_UNSPACED}](?:[{_UNSPACED}\p{{M}}])*+)"
    rf"|(?P<word>[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]++(?:[.'’][[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]++)*+)"
    r"|(?P<emoji>\p{Regional_Indicator}{2}+|[\p{Extended_Pictographic}\p{Emoji_Presentation}]\p{Emoji_Modifier}?+"
    r"(?:\u200d\p{Extended_Pictographic}\p{Emoji_Modifier}?+)*+)",
    regex.V1,
)
_CLUSTER = regex.compile(r"\X")
_INVISIBLE = {ord(sign): None for sign in "\u00ad\u200b\u2060\ufe0e\ufe0f\ufeff"}


def fold(text: str) -> str:
    """Return a text without what people leave out when they search: case, accents, widths."""
    folded = unicodedata.normalize("NFKC", text[:MAX_TEXT]).translate(_INVISIBLE).casefold().translate(_SIMPLE)
    plain = _MARKED.sub(r"\1", unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFC", plain)


def indexed(text: str) -> list[str]:
    """Return the words of a text, in order."""
    return [word for part, unspaced in _parts(text) for word in (_pairs(part, last=True) if unspaced else [part])]


def searched(text: str) -> list[list[str]]:
    """Return the words of a query. Each is a list: of one word, or of several that must be neighbours."""
    return [_pairs(part, last=False) if unspaced else [part] for part, unspaced in _parts(text)]


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    for found in _PART.finditer(fold(text)):
        yield found[0].replace("’", "'"), found["unspaced"] is not None


def _pairs(run: str, *, last: bool) -> list[str]:
    """Return pairs of neighbours; with `last`, also the last sign alone, so that the beginning of a word finds any."""
    signs = _CLUSTER.findall(run)
    if len(signs) == 1:
        return signs
    pairs = [first + second for first, second in pairwise(signs)]
    return [*pairs, signs[-1]] if last else pairs
