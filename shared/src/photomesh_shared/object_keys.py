"""Keys of objects in the two buckets. Nothing that a client chose is in a key.

    raw       up_8aB3x9Q2/original                    as uploaded
              metadata/p_8aB3x9Q2.json                private metadata of a photo
    variants  p_8aB3x9Q2/<token>/640.jpg              public sizes of a photo
              avatars/u_8aB3x9Q2/<token>/150.jpg      public sizes of an avatar

A token cannot be guessed, so a public object is found by those alone who were given its URL.
"""

from __future__ import annotations

from photomesh_shared.ids import encode

__all__ = ["avatar_key", "metadata_key", "original_key", "variant_key", "variants_prefix"]


def original_key(upload_id: int) -> str:
    return f"{encode('up', upload_id)}/original"


def metadata_key(photo_id: int) -> str:
    return f"metadata/{encode('p', photo_id)}.json"


def variants_prefix(photo_id: int) -> str:
    """What the keys of all sizes of a photo begin with, whatever their token."""
    return f"{encode('p', photo_id)}/"


def variant_key(photo_id: int, token: str, size: int) -> str:
    """`size`: pixels along the longer side."""
    return f"{variants_prefix(photo_id)}{token}/{size}.jpg"


def avatar_key(account_id: int, token: str, size: int, suffix: str) -> str:
    """`suffix`: that of the copied variant, with its dot."""
    return f"avatars/{encode('u', account_id)}/{token}/{size}{suffix}"
