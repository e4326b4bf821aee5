"""Layout of explore's Redis. Everything but what was shown to whom is built again from topics, by `rebuilding`.

    ex:ready          STRING  exists while everything below is known; without it, reads fail rather than forget feedback
    ex:building       STRING  the token of the process that builds everything again

    ex:o:{post}       STRING  a post: version, author, time, cell, tags, place, one a line; only the version: deleted
    ex:w:{author}     ZSET    post → when it was published; whether or not it may be shown
    ex:all            ZSET    post → when it was published: those that may be shown
    ex:h:{tag}        ZSET    the same, of a hashtag
    ex:c:{cell}       ZSET    the same, of a cell of the earth (geohash of four letters)

    ex:a:{bucket}     HASH    account → version:state; 1: public, 0: private or hidden, x: erased
    ex:f:{bucket}     HASH    account → microseconds:followers
    ex:l:{post}       HASH    account → ±version of its like; negative: unliked
    ex:e:{account}    HASH    l or s, and post → ±version of its like or save
    ex:g:{account}    HASH    account that it follows → ±version
    ex:m:{account}    HASH    account that it mutes → ±version
    ex:k:{account}    HASH    feedback id → version and, unless it was removed, what was said

    ex:due            ZSET    what must be scored → from when on
    ex:top            ZSET    post → score of a trending one
    ex:n:{post}       ZSET    post that the same people like → how strongly
    ex:th, ex:tc      ZSET    trending hashtag, trending cell → score
    ex:tn             HASH    trending hashtag or cell → accounts, and name

    ex:s:{account}:{half}  STRING  two Bloom filters of what an account was shown
    ex:b:{account}    HASH    which of the two is filled, since when, and how many are in it
    ex:y:{account}    HASH    post → when and why it was shown
    ex:i:{author}     STRING  how often posts of an author were shown to others
    ex:p:{account}    STRING  the pages of the last minutes

Events arrive in any order and more than once, from the consumer and a rebuild: each pair keeps the version of its
latest event, and all else is computed from that. Hashes of pairs are trimmed to their latest.
"""

from __future__ import annotations

__all__ = ["BUILDING", "BUILDING_SECONDS", "CONSTANTS", "READY", "bucket"]

READY, BUILDING = "ex:ready", "ex:building"
POST, WRITTEN, ALL, TAG, CELL = "ex:o:", "ex:w:", "ex:all", "ex:h:", "ex:c:"
ACCOUNTS, FOLLOWERS = "ex:a:", "ex:f:"
LIKERS, ENGAGED, FOLLOWS, MUTES, FEEDBACK = "ex:l:", "ex:e:", "ex:g:", "ex:m:", "ex:k:"
DUE, TOP, NEIGHBOURS = "ex:due", "ex:top", "ex:n:"
TAG_TRENDS, CELL_TRENDS, TREND_NAMES = "ex:th", "ex:tc", "ex:tn"
SEEN, SEEN_STATE, WHY, SHOWN, PAGES = "ex:s:", "ex:b:", "ex:y:", "ex:i:", "ex:p:"

BUILDING_SECONDS = 60
_DAY_MS = 86_400_000

MAX_LIKERS, MAX_ENGAGED, MAX_FOLLOWS, MAX_MUTES = 500, 100, 500, 2_000
_MAX_WRITTEN, _MAX_TAGGED, _MAX_ALL, _MAX_TOP, _MAX_TRENDS, _MAX_WHY = 100, 300, 5_000, 2_000, 500, 300
MAX_FEEDBACK = 500

CONSTANTS: dict[str, str | int] = {
    "READY": READY,
    "BUILDING": BUILDING,
    "POST": POST,
    "WRITTEN": WRITTEN,
    "ALL": ALL,
    "TAG": TAG,
    "CELL": CELL,
    "ACCOUNTS": ACCOUNTS,
    "FOLLOWERS": FOLLOWERS,
    "LIKERS": LIKERS,
    "ENGAGED": ENGAGED,
    "FOLLOWS": FOLLOWS,
    "MUTES": MUTES,
    "FEEDBACK": FEEDBACK,
    "DUE": DUE,
    "TOP": TOP,
    "NEIGHBOURS": NEIGHBOURS,
    "TAG_TRENDS": TAG_TRENDS,
    "CELL_TRENDS": CELL_TRENDS,
    "TREND_NAMES": TREND_NAMES,
    "SEEN": SEEN,
    "SEEN_STATE": SEEN_STATE,
    "WHY": WHY,
    "SHOWN": SHOWN,
    "PAGES": PAGES,
    "SHOWN_FOR_MS": 7 * _DAY_MS,
    "KEPT_MS": 15 * _DAY_MS,
    "SHOWABLE_MS": 7 * _DAY_MS,
    "PAIRS_MS": 30 * _DAY_MS,
    "MAX_LIKERS": MAX_LIKERS,
    "MAX_ENGAGED": MAX_ENGAGED,
    "MAX_FEEDBACK": MAX_FEEDBACK,
    "MAX_WRITTEN": _MAX_WRITTEN,
    "MAX_TAGGED": _MAX_TAGGED,
    "MAX_ALL": _MAX_ALL,
    "MAX_TOP": _MAX_TOP,
    "MAX_TRENDS": _MAX_TRENDS,
    "MAX_WHY": _MAX_WHY,
}


def bucket(account_id: int) -> str:
    """Return the part of a key that some hundred accounts in a million share: a hash of so few is small."""
    return str(account_id)[-4:]
