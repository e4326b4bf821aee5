"""The buckets and their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from photomesh_shared.object_keys import PUBLISHED_STORIES_PREFIX
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage

__all__ = ["provision_buckets"]


async def provision_buckets(
    storage: ObjectStorage,
    *,
    raw_bucket: str,
    variants_bucket: str,
    exports_bucket: str,
    allowed_origins: Sequence[str],
    abandoned_days: int = 2,
    exports_days: int = 8,
    stories_days: int = 2,
) -> None:
    """Create the buckets, allow browsers to PUT to `raw` and read the ETag, and expire abandoned parts, old exports and
    what was public of stories. `exports_days`, `stories_days`: above what they are kept, for this is only in case that
    they are not deleted otherwise.

    Public read access to `variants` is configured in the store (a bucket policy, or an identity file).
    """
    for bucket in (raw_bucket, variants_bucket, exports_bucket):
        try:
            await storage.administer("head_bucket", Bucket=bucket)
        except NoSuchObject:
            await storage.administer("create_bucket", Bucket=bucket)
    rule = {
        "AllowedMethods": ["PUT", "GET", "HEAD"],
        "AllowedOrigins": list(allowed_origins),
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }
    await storage.administer("put_bucket_cors", Bucket=raw_bucket, CORSConfiguration={"CORSRules": [rule]})
    abandoned = {
        "ID": "abandoned-parts",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": abandoned_days},
    }
    old_exports = _expiration("expired-exports", "", exports_days)
    old_stories = _expiration("expired-stories", PUBLISHED_STORIES_PREFIX, stories_days)
    for bucket, rules in (
        (raw_bucket, [abandoned]),
        (exports_bucket, [abandoned, old_exports]),
        (variants_bucket, [old_stories]),
    ):
        await storage.administer(
            "put_bucket_lifecycle_configuration", Bucket=bucket, LifecycleConfiguration={"Rules": rules}
        )


def _expiration(name: str, prefix: str, days: int) -> dict[str, Any]:
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}}
