"""Two deployables that must agree on names, and do not import each other."""

from __future__ import annotations

from photomesh_media_worker.service import metadata_key as written
from photomesh_media_worker.service import variant_key
from photomesh_post.photos.objects import metadata_key, variants_folder


def test_what_the_worker_writes_is_what_deletion_removes() -> None:
    assert metadata_key(12345) == written(12345)
    assert variant_key("secret", 12345, 1080).startswith(variants_folder(12345))
