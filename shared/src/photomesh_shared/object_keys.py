"""Object keys in the buckets. Keys contain no client input.

    raw       up_8aB3x9Q2/original                    as uploaded
              metadata/p_8aB3x9Q2.json                private metadata of a photo
              stories/p_8aB3x9Q2/640.jpg              sizes of a photo for stories, which are private
              models/home/current.json, …             models of rankings: photomesh_shared.ranking.rollout
    variants  p_8aB3x9Q2/<token>/640.jpg              public sizes of a photo
              avatars/u_8aB3x9Q2/<token>/150.jpg      public sizes of an avatar
              s/1795256400/<token>/640.jpg            public sizes of a story; the CDN refuses them from that second on
              h/<token>/640.jpg                       public sizes of a story that is over and in a highlight
    exports   u_8aB3x9Q2/<token>/parts/0001-….zip     exports of accounts, and work at them (photomesh_export.domain)

Tokens cannot be guessed, so a public object can be fetched only with its URL.
"""

from __future__ import annotations

from datetime import datetime

from photomesh_shared.ids import encode

__all__ = [
    "ORIGINALS_PREFIX",
    "PUBLISHED_STORIES_PREFIX",
    "avatar_key",
    "avatars_prefix",
    "highlight_key",
    "metadata_key",
    "original_key",
    "private_variant_key",
    "story_key",
    "variant_key",
    "variants_prefix",
]


def original_key(upload_id: int) -> str:
    return f"{encode('up', upload_id)}/original"


ORIGINALS_PREFIX = "up_"


def metadata_key(photo_id: int) -> str:
    return f"metadata/{encode('p', photo_id)}.json"


def private_variant_key(photo_id: int, size: int) -> str:
    """Return the key of a size of a photo for stories, in the raw bucket. `size`: pixels of the longer side."""
    return f"stories/{encode('p', photo_id)}/{size}.jpg"


PUBLISHED_STORIES_PREFIX = "s/"


def story_key(expires_at: datetime, token: str, size: int) -> str:
    """Return the key of a public size of a story. The CDN reads the time in it, in whole seconds: give such a one, or
    the story ends up to a second early."""
    return f"{PUBLISHED_STORIES_PREFIX}{int(expires_at.timestamp())}/{token}/{size}.jpg"


def highlight_key(token: str, size: int) -> str:
    """Return the key of a public size of a story that is in a highlight."""
    return f"h/{token}/{size}.jpg"


def variants_prefix(photo_id: int) -> str:
    """Return the common prefix of all keys of a photo's sizes, with any token."""
    return f"{encode('p', photo_id)}/"


def variant_key(photo_id: int, token: str, size: int) -> str:
    """Return the key of a size. `size`: pixels of the longer side."""
    return f"{variants_prefix(photo_id)}{token}/{size}.jpg"


def avatars_prefix(account_id: int) -> str:
    """Return the common prefix of all keys of an account's avatars, with any token."""
    return f"avatars/{encode('u', account_id)}/"


def avatar_key(account_id: int, token: str, size: int, suffix: str) -> str:
    """Return the key of an avatar. `suffix`: that of the copied variant, with the dot."""
    return f"{avatars_prefix(account_id)}{token}/{size}{suffix}"
