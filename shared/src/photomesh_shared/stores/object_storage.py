"""Object storage (S3): the one module that imports aioboto3 and its dependencies.

Three buckets. `raw` holds uploaded photos, and is private. `variants` holds the public sizes: anyone may GET an object
by its key, nobody may list them. Keys are not guessable. `exports` holds exports of accounts for days; it is private.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from prometheus_client import Counter

from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.settings import StorageSettings

__all__ = [
    "NoSuchObject",
    "NoSuchUpload",
    "ObjectInfo",
    "ObjectReplaced",
    "ObjectStorage",
    "ObjectTooLarge",
    "PartsRefused",
    "UploadedPart",
    "open_storage",
]

_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchBucket"}
_BAD_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "InvalidArgument", "InvalidRequest"}
_CHUNK = 256 * 1024
_OPERATIONS = (
    "abort_multipart_upload",
    "complete_multipart_upload",
    "copy_object",
    "create_multipart_upload",
    "delete_object",
    "get_object",
    "head_bucket",
    "head_object",
    "list_objects_v2",
    "list_parts",
    "put_object",
    "upload_part",
)

ERRORS = Counter(
    "photomesh_object_storage_errors_total", "Operations that object storage failed to perform.", ["operation"]
)


class NoSuchObject(Exception):
    """There is no object with this key."""


class NoSuchUpload(Exception):
    """The multipart upload is unknown: aborted, completed, or expired."""


class ObjectReplaced(Exception):
    """The object was replaced: its ETag differs from the expected one."""


class ObjectTooLarge(Exception):
    """The object exceeds the caller's maximum size."""


class PartsRefused(Exception):
    """The store refused the parts: one is missing, too small, or has another ETag."""


@dataclass(frozen=True)
class ObjectInfo:
    """`etag` is without quotes."""

    key: str
    size_bytes: int
    etag: str
    content_type: str


@dataclass(frozen=True)
class UploadedPart:
    """`part_number` counts from 1; `etag` is without quotes."""

    part_number: int
    etag: str
    size_bytes: int = 0


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """Translate the driver's errors to this module's, and count those that are the store's fault."""
    try:
        yield
    except _FAULTS as error:
        translated = _translate(error)
        if isinstance(translated, ObjectStorageUnavailable):
            ERRORS.labels(operation).inc()
        raise translated from error


def _translate(error: Exception) -> Exception:
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if code == "NoSuchUpload":
            return NoSuchUpload()
        if code in _MISSING:
            return NoSuchObject()
        if code in ("PreconditionFailed", "412"):
            return ObjectReplaced()
        if code in _BAD_PARTS:
            return PartsRefused(code)
        return ObjectStorageUnavailable(f"Object storage: {code}")
    return ObjectStorageUnavailable(f"Object storage: {type(error).__name__}")


_FAULTS = (ClientError, BotoCoreError, HTTPClientError, aiohttp.ClientError, TimeoutError, OSError)


class ObjectStorage:
    """One client per process. Every method raises ObjectStorageUnavailable if the store does not respond."""

    def __init__(self, client: Any, signer: Any) -> None:
        self._client = client
        self._signer = signer
        for operation in _OPERATIONS:
            ERRORS.labels(operation)  # initialised to 0, so that the first error shows as an increase

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        with _translated(operation):
            answer: dict[str, Any] = await getattr(self._client, operation)(**parameters)
        return answer

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return an object's metadata. Raises NoSuchObject."""
        answer = await self._call("head_object", Bucket=bucket, Key=key)
        return ObjectInfo(key, answer["ContentLength"], answer["ETag"].strip('"'), answer.get("ContentType", ""))

    async def get(self, bucket: str, key: str, *, max_bytes: int, etag: str | None = None) -> bytearray:
        """Read an object into memory, in chunks and without copying it, which would block the event loop.

        Raises NoSuchObject, ObjectTooLarge (without reading further), or ObjectReplaced if the object's ETag is not
        `etag`.
        """
        with _translated("get_object"):
            answer = await self._client.get_object(Bucket=bucket, Key=key)
            stream = answer["Body"]
            async with stream:  # without `as`: it yields the raw response, whose `read` takes no size
                if etag is not None and answer["ETag"].strip('"') != etag:
                    raise ObjectReplaced
                if answer["ContentLength"] > max_bytes:
                    raise ObjectTooLarge(answer["ContentLength"])
                body = bytearray()
                while chunk := await stream.read(_CHUNK):
                    body += chunk
                    if len(body) > max_bytes:
                        raise ObjectTooLarge(len(body))
        if len(body) != answer["ContentLength"]:
            ERRORS.labels("get_object").inc()
            raise ObjectStorageUnavailable("Object storage: incomplete object received")
        return body

    async def stream(
        self, bucket: str, key: str, *, start: int = 0, etag: str | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield an object from an offset on, in chunks. Raises NoSuchObject, ObjectReplaced if the object's ETag is not
        `etag`, or ObjectStorageUnavailable, also after some chunks."""
        extra = {"Range": f"bytes={start}-"} if start else {}
        with _translated("get_object"):
            answer = await self._client.get_object(Bucket=bucket, Key=key, **extra)
        received = 0
        stream = answer["Body"]
        async with stream:
            if etag is not None and answer["ETag"].strip('"') != etag:
                raise ObjectReplaced
            while True:
                with _translated("get_object"):
                    chunk = await stream.read(_CHUNK)
                if not chunk:
                    break
                received += len(chunk)
                yield chunk
        if received != answer["ContentLength"]:
            ERRORS.labels("get_object").inc()
            raise ObjectStorageUnavailable("Object storage: incomplete object received")

    async def put(
        self, bucket: str, key: str, body: bytes, *, content_type: str, cache_control: str | None = None
    ) -> None:
        extra = {"CacheControl": cache_control} if cache_control else {}
        await self._call("put_object", Bucket=bucket, Key=key, Body=body, ContentType=content_type, **extra)

    async def replace(self, bucket: str, key: str, body: bytes, *, etag: str | None, content_type: str) -> None:
        """Replace an object of this ETag; create one if that is None. Raises ObjectReplaced if it has another."""
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"'}
        await self._call("put_object", Bucket=bucket, Key=key, Body=body, ContentType=content_type, **condition)

    async def copy(self, bucket: str, source: str, key: str) -> None:
        """Copy an object inside the store. Raises NoSuchObject."""
        await self._call("copy_object", Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": source})

    async def publish_copy(self, source: tuple[str, str], bucket: str, key: str, **headers: str | datetime) -> None:
        """Copy an object (`source`: its bucket and key) with other headers: ContentType … Raises NoSuchObject."""
        given = {"CopySource": {"Bucket": source[0], "Key": source[1]}, "MetadataDirective": "REPLACE", **headers}
        await self._call("copy_object", Bucket=bucket, Key=key, **given)

    async def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects; idempotent."""
        for key in keys:
            await self._call("delete_object", Bucket=bucket, Key=key)

    async def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Delete all objects with a prefix. Returns how many. Idempotent."""
        deleted = 0
        while keys := await self.list_keys(bucket, prefix):
            await self.delete(bucket, keys)
            deleted += len(keys)
        return deleted

    async def list_keys(self, bucket: str, prefix: str) -> list[str]:
        """Return up to 1,000 keys with a prefix."""
        answer = await self._call("list_objects_v2", Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for entry in answer.get("Contents", ())]

    async def presign_part(
        self, bucket: str, key: str, *, multipart_id: str, part_number: int, size_bytes: int, expires_seconds: int
    ) -> str:
        """Return a URL for the PUT of one part (1–10,000) of exactly this size: the Content-Length is signed, so the
        store refuses any other before it reads the body."""
        url: str = await self._signer.generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": bucket,
                "Key": key,
                "UploadId": multipart_id,
                "PartNumber": part_number,
                "ContentLength": size_bytes,
            },
            ExpiresIn=expires_seconds,
        )
        return url

    async def presign_get(self, bucket: str, key: str, *, filename: str, expires_seconds: int) -> str:
        """Return a URL at which anybody can download an object. `filename`: under which a browser stores it."""
        shown = f'attachment; filename="{filename}"'
        named = {"Bucket": bucket, "Key": key, "ResponseContentDisposition": shown}
        url: str = await self._signer.generate_presigned_url("get_object", Params=named, ExpiresIn=expires_seconds)
        return url

    async def create_multipart(self, bucket: str, key: str, *, content_type: str) -> str:
        """Begin a multipart upload. Returns the store's id for it."""
        answer = await self._call("create_multipart_upload", Bucket=bucket, Key=key, ContentType=content_type)
        upload_id: str = answer["UploadId"]
        return upload_id

    async def upload_part(
        self, bucket: str, key: str, *, multipart_id: str, part_number: int, body: bytes
    ) -> UploadedPart:
        """Upload a part (1–10,000; all but the last of 5 MiB or more). Raises NoSuchUpload."""
        try:
            answer = await self._call(
                "upload_part", Bucket=bucket, Key=key, UploadId=multipart_id, PartNumber=part_number, Body=body
            )
        except NoSuchObject as error:
            raise NoSuchUpload from error
        return UploadedPart(part_number, answer["ETag"].strip('"'), len(body))

    async def list_parts(self, bucket: str, key: str, *, multipart_id: str) -> list[UploadedPart]:
        """Return the uploaded parts (at most 10 per photo, well below a page), by number and time. SeaweedFS lists a
        re-uploaded part once per upload. Raises NoSuchUpload."""
        try:
            answer = await self._call("list_parts", Bucket=bucket, Key=key, UploadId=multipart_id)
        except NoSuchObject as error:
            raise NoSuchUpload from error
        listed = sorted(answer.get("Parts", ()), key=lambda part: (part["PartNumber"], part["LastModified"]))
        return [UploadedPart(part["PartNumber"], part["ETag"].strip('"'), part["Size"]) for part in listed]

    async def complete_multipart(
        self, bucket: str, key: str, *, multipart_id: str, parts: Sequence[UploadedPart]
    ) -> str:
        """Join the parts. Returns the object's ETag. Raises NoSuchUpload, or PartsRefused if they differ from the
        uploaded ones."""
        try:
            answer = await self._call(
                "complete_multipart_upload",
                Bucket=bucket,
                Key=key,
                UploadId=multipart_id,
                MultipartUpload={"Parts": [{"PartNumber": p.part_number, "ETag": f'"{p.etag}"'} for p in parts]},
            )
        except NoSuchObject as error:
            raise NoSuchUpload from error
        etag: str = answer["ETag"]
        return etag.strip('"')

    async def abort_multipart(self, bucket: str, key: str, *, multipart_id: str) -> None:
        """Abort the upload and delete its parts; idempotent."""
        try:
            await self._call("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=multipart_id)
        except (NoSuchUpload, NoSuchObject):
            return

    async def ping(self, bucket: str, prefix: str) -> None:
        """Check readiness, with a right to list these keys only."""
        await self._call("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1)

    async def administer(self, operation: str, **parameters: Any) -> None:
        """Perform an operation on a bucket. Raises NoSuchObject if it does not exist."""
        await self._call(operation, **parameters)


@asynccontextmanager
async def open_storage(settings: StorageSettings) -> AsyncIterator[ObjectStorage]:
    """Open the store's client, once per process: creating one may take seconds.

    Presigned URLs use the public endpoint, which may differ from the one that this process uses.
    """
    config = AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        # Since boto3 1.36 both default to "when_supported", which puts checksum parameters into presigned URLs
        # that plain HTTP clients cannot honour.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=3,
        read_timeout=30,
        retries={"max_attempts": 2, "mode": "standard"},
        max_pool_connections=50,
    )
    session = aioboto3.Session(
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        region_name=settings.s3_region,
    )
    async with AsyncExitStack() as stack:

        async def client(endpoint: str) -> Any:
            return await stack.enter_async_context(session.client("s3", endpoint_url=endpoint, config=config))

        own = await client(settings.s3_endpoint)
        public = settings.s3_public_endpoint
        yield ObjectStorage(own, own if public == settings.s3_endpoint else await client(public))
