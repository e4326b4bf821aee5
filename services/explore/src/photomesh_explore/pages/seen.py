"""A Bloom filter of what an account was shown. Pure.

Two filters of 2 KB are filled in turn, each with 1,700 posts or for a week, whichever is less: then the older one is
emptied. With five bits a post, a full one takes one in a hundred posts that were not shown for shown; these are left
out until it is emptied. A post can be shown for a week, so it comes twice only to somebody who sees more than 1,700
others in that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

__all__ = ["FILTER_BITS", "FILTER_POSTS", "positions_of", "was_seen"]

FILTER_BITS = 16_384
FILTER_POSTS = 1_700
_HASHES = 5


def positions_of(post_id: int) -> Sequence[int]:
    """Return the bits of a post."""
    digest = blake2b(str(post_id).encode(), digest_size=2 * _HASHES).digest()
    return [int.from_bytes(digest[i : i + 2], "big") % FILTER_BITS for i in range(0, len(digest), 2)]


def was_seen(filters: Sequence[bytes], post_id: int) -> bool:
    positions = positions_of(post_id)
    return any(
        all(position // 8 < len(one) and one[position // 8] >> (7 - position % 8) & 1 for position in positions)
        for one in filters
    )
