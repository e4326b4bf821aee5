"""Keys that one deployable writes and another finds or deletes."""

from __future__ import annotations

from datetime import UTC, datetime

from photomesh_shared import object_keys
from photomesh_shared.ids import decode


def test_keys_are_as_documented() -> None:
    photo, user, upload = decode("p", "p_8aB3x9Q2"), decode("u", "u_8aB3x9Q2"), decode("up", "up_8aB3x9Q2")
    assert object_keys.original_key(upload) == "up_8aB3x9Q2/original"
    assert object_keys.metadata_key(photo) == "metadata/p_8aB3x9Q2.json"
    assert object_keys.variant_key(photo, "t0ken", 640) == "p_8aB3x9Q2/t0ken/640.jpg"
    assert object_keys.private_variant_key(photo, 640) == "stories/p_8aB3x9Q2/640.jpg"
    end = datetime(2026, 11, 21, 10, 20, 0, 999_999, tzinfo=UTC)
    assert object_keys.story_key(end, "t0ken", 640) == "s/1795256400/t0ken/640.jpg"
    assert object_keys.avatar_key(user, "t0ken", 150, ".jpg") == "avatars/u_8aB3x9Q2/t0ken/150.jpg"


def test_the_prefix_of_variants_is_that_of_one_photo_alone() -> None:
    assert object_keys.variant_key(62, "t", 640).startswith(object_keys.variants_prefix(62))
    assert not object_keys.variant_key(62 * 62, "t", 640).startswith(object_keys.variants_prefix(62))
