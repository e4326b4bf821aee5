"""The grammar of mentions and hashtags (`docs/text.md`), and the limits of texts. Pure.

Takes time linear in the length of a text: every repetition is possessive, so nothing is matched twice.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import regex

from photomesh_post.errors import TooManyHashtags, TooManyMentions
from photomesh_shared.errors import FieldError, InvalidRequest, Unprocessable
from photomesh_shared.events import HashtagEntity, MentionEntity, TextEntities
from photomesh_shared.text import RAW_FACTOR, normalize_text

__all__ = [
    "MAX_ENTITIES",
    "MAX_HASHTAG",
    "MAX_HASHTAGS",
    "MAX_MENTIONS",
    "check_entities",
    "check_limit",
    "checked_text",
    "entities_in",
    "hashtags_of",
    "linked",
    "usernames_of",
]

MAX_HASHTAGS, MAX_MENTIONS = 30, 20  # different ones
MAX_ENTITIES = 100  # of each kind, repeated ones included
MAX_HASHTAG = 100  # code points; a longer run is not a tag
_USERNAME_LENGTHS = range(3, 31)

# Mentions. In these scripts words are separated by spaces and letters resemble those of usernames, so a name that goes
# on in them is another name, and one behind them is the second half of an address. All other letters may touch it.
_LETTERS = r"\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\u0300-\u036F"
_MENTION = regex.compile(
    rf"(?<![A-Za-z0-9_!#$%&*@＠/{_LETTERS}])[@＠]"
    r"([A-Za-z0-9_]++(?:\.[A-Za-z0-9_]++)*+)"
    rf"(?![@＠{_LETTERS}]|://)"
)

# Hashtags. XID_Continue is that of Unicode Standard Annex 31, then come the signs that twitter-text adds to it.
_SIGNS = "#＃﹟"
_WORD = (
    r"\p{XID_Continue}\u00B7\u05BE\u05F3\u05F4\u0F0B\u0F0C\u200C\u200D\u3003\u301C\u309B\u309C\u30A0\u30FB\uA67E\uFF5E"
)
_EMOJI = r"\p{Extended_Pictographic}\p{Emoji_Modifier}\U0001F1E6-\U0001F1FF\U000E0020-\U000E007F\u20E3"
_SHOWN_AS_TEXT = r"[\p{Extended_Pictographic}&&[\x00-\u22FF]]"  # ©, ™, ‼, arrows
_HASHTAG = regex.compile(rf"[{_SIGNS}](?![\uFE0F\u20E3])([[{_WORD}{_EMOJI}]--{_SHOWN_AS_TEXT}]++)(?!://)", regex.V1)
_NOT_BEFORE_HASHTAG = regex.compile(rf"[[{_WORD}&/]--[\uFE0E\uFE0F]]", regex.V1)
_NEEDED_IN_HASHTAG = regex.compile(r"[\p{L}\p{Extended_Pictographic}\U0001F1E6-\U0001F1FF\u20E3]")
_JOINERS = "\u200c\u200d"
_KEPT = regex.compile(r"([\p{Extended_Pictographic}\u309B\u309C]++)")  # their NFKC is no hashtag
_SAME = str.maketrans({"\ufe0e": None, "\ufe0f": None, "\uff5e": "\u301c"})


def checked_text(member: str, text: str, limit: int, problem: type[Unprocessable]) -> str:
    """Returns a text as it is stored: see `normalize_text`. Raises `problem` if it is longer than `limit`, or
    InvalidRequest for the request's `member`."""
    # What is far too long is not even composed, which would take long.
    check_limit(member, problem, len(text), RAW_FACTOR * limit, "characters", stated=limit)
    try:
        text = normalize_text(text)
    except ValueError as error:
        raise InvalidRequest(errors=[FieldError(member, str(error))]) from error
    check_limit(member, problem, len(text), limit, "characters")
    return text


def check_entities(member: str, entities: TextEntities) -> None:
    """Raises TooManyHashtags or TooManyMentions for the request's `member`."""
    hashtags, mentions = entities.hashtags, entities.mentions
    check_limit(member, TooManyHashtags, len(hashtags_of(entities)), MAX_HASHTAGS, "hashtags")
    check_limit(member, TooManyHashtags, len(hashtags), MAX_ENTITIES, "hashtags with repetitions")
    check_limit(member, TooManyMentions, len(usernames_of(entities)), MAX_MENTIONS, "mentions")
    check_limit(member, TooManyMentions, len(mentions), MAX_ENTITIES, "mentions with repetitions")


def check_limit(
    member: str, problem: type[Unprocessable], count: int, limit: int, what: str, *, stated: int | None = None
) -> None:
    """Raises `problem` for the request's `member` if it has more than `limit` of `what`."""
    if count > limit:
        limit = stated or limit
        raise problem(errors=[FieldError(member, f"has {count} {what}, and {limit} are allowed")], limit=limit)


def entities_in(text: str) -> TextEntities:
    """Finds mentions and hashtags in a composed text. The mentions have no accounts yet."""
    return TextEntities(mentions=tuple(_mentions(text)), hashtags=tuple(_hashtags(text)))


def _mentions(text: str) -> Iterable[MentionEntity]:
    for found in _MENTION.finditer(text):
        if len(found[1]) in _USERNAME_LENGTHS:
            yield MentionEntity(start=found.start(), end=found.end(), username=found[1].lower())


def _hashtags(text: str) -> Iterable[HashtagEntity]:
    end_of_last = 0
    for found in _HASHTAG.finditer(text):
        start, run = found.start(), found[1].rstrip(_JOINERS)
        if start != end_of_last and _NOT_BEFORE_HASHTAG.match(text[start - 1]):
            continue
        if len(run) <= MAX_HASHTAG and _NEEDED_IN_HASHTAG.search(run) and len(tag := _folded(run)) <= MAX_HASHTAG:
            end_of_last = start + 1 + len(run)
            yield HashtagEntity(start=start, end=end_of_last, tag=tag)


def _folded(run: str) -> str:
    """One form for all spellings of a hashtag: NFKC with case folding, without variation selectors, and with the
    Turkish İ as i. Folding a folded tag changes nothing."""
    pieces = _KEPT.split(run.translate(_SAME))
    return "".join(piece if number % 2 else _folded_word(piece) for number, piece in enumerate(pieces))


def _folded_word(word: str) -> str:
    """Repeats, because composition and folding make work for each other."""
    while (folded := unicodedata.normalize("NFKC", word.casefold()).replace("i\u0307", "i")) != word:
        word = folded
    return word


def hashtags_of(entities: TextEntities) -> tuple[str, ...]:
    """Distinct hashtags, in the order in which they first appear."""
    return tuple(dict.fromkeys(hashtag.tag for hashtag in entities.hashtags))


def usernames_of(entities: TextEntities) -> tuple[str, ...]:
    """Distinct usernames, in the order in which they first appear."""
    return tuple(dict.fromkeys(mention.username for mention in entities.mentions))


def linked(entities: TextEntities, accounts: Mapping[str, int]) -> TextEntities:
    """The entities with the ids of those accounts, which are by username."""
    mentions = (
        mention.model_copy(update={"account_id": accounts.get(mention.username)}) for mention in entities.mentions
    )
    return entities.model_copy(update={"mentions": tuple(mentions)})
