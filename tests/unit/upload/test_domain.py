"""Rules of uploads: validation, parts, and quotas."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.errors import InvalidRequest
from photomesh_shared.limits import ALLOWED_TYPES, MAX_UPLOAD_BYTES, MULTIPART_THRESHOLD, PART_SIZE
from photomesh_upload.domain import (
    CompletedPart,
    FileInfo,
    Quotas,
    Status,
    StoredPart,
    Upload,
    Usage,
    missing_parts,
    select_parts,
)
from photomesh_upload.errors import (
    PartsMismatch,
    PhotoTooLarge,
    QuotaExceeded,
    SizeMismatch,
    UnsupportedType,
    UploadIncomplete,
)

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def upload_of(size_bytes: int) -> Upload:
    return Upload(
        upload_id=12345,
        account_id=1,
        photo_id=2,
        file=FileInfo("a.jpg", "image/jpeg", size_bytes),
        multipart_id="m",
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )


@pytest.mark.parametrize("kind", ALLOWED_TYPES)
def test_supported_types(kind: str) -> None:
    assert FileInfo.validated("a", f" {kind.upper()}", 1).content_type == kind


@pytest.mark.parametrize(("alias", "kind"), [("image/heif", "image/heic"), ("image/jpg", "image/jpeg")])
def test_aliases_of_types(alias: str, kind: str) -> None:
    assert FileInfo.validated("a", alias, 1).content_type == kind


@pytest.mark.parametrize("kind", ["image/gif", "image/svg+xml", "application/pdf", "text/html", "jpeg", "image/"])
def test_unsupported_types(kind: str) -> None:
    with pytest.raises(UnsupportedType) as refusal:
        FileInfo.validated("a", kind, 1)
    assert refusal.value.errors[0].pointer == "/content_type"
    assert refusal.value.extensions == {"allowed_types": list(ALLOWED_TYPES)}


def test_maximum_size() -> None:
    assert FileInfo.validated("a", "image/jpeg", MAX_UPLOAD_BYTES).in_parts
    with pytest.raises(PhotoTooLarge) as refusal:
        FileInfo.validated("a", "image/jpeg", MAX_UPLOAD_BYTES + 1)
    assert refusal.value.extensions == {"max_bytes": MAX_UPLOAD_BYTES}


@pytest.mark.parametrize("name", ["IMG_0042.JPG", "Ölberg – früh.heic", "写真.png", "../../etc/passwd", "👩‍🚀.webp"])
def test_valid_filenames(name: str) -> None:
    assert FileInfo.validated(name, "image/jpeg", 1).filename == name


@pytest.mark.parametrize(
    "name", [" ", "a\x00.jpg", "a\n.jpg", "a\x7f", "a\u2028b", "\ud800.jpg", "\u200b", "a\u202egpj.exe"]
)
def test_invalid_filenames(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        FileInfo.validated(name, "image/jpeg", 1)
    assert refusal.value.errors[0].pointer == "/filename"


def test_files_over_5_mb_are_split() -> None:
    assert not FileInfo("a", "image/jpeg", MULTIPART_THRESHOLD).in_parts
    assert len(upload_of(MULTIPART_THRESHOLD).part_sizes) == 1
    assert FileInfo("a", "image/jpeg", MULTIPART_THRESHOLD + 1).in_parts


@given(st.integers(1, MAX_UPLOAD_BYTES))
def test_parts_cover_the_file_within_the_limits_of_s3(size: int) -> None:
    sizes = upload_of(size).part_sizes
    assert list(sizes) == list(range(1, len(sizes) + 1))
    assert sum(sizes.values()) == size
    assert all(part == PART_SIZE for part in list(sizes.values())[:-1])
    assert 1 <= len(sizes) <= 10


def test_the_object_key_has_nothing_of_the_client() -> None:
    assert upload_of(1).key == "up_3D7/original"


def test_an_upload_is_expired_before_the_sweeper_marks_it() -> None:
    upload = upload_of(1)
    assert upload.status_at(upload.expires_at - timedelta(seconds=1)) is Status.OPEN
    assert upload.status_at(upload.expires_at) is Status.EXPIRED


TWO = upload_of(PART_SIZE + 1000)
FIRST, SECOND = StoredPart(1, "aa", PART_SIZE), StoredPart(2, "bb", 1000)
BOTH = [CompletedPart(1, "aa"), CompletedPart(2, "bb")]


def test_parts_are_joined_in_order() -> None:
    assert select_parts(TWO, [SECOND, FIRST], BOTH[::-1]) == [FIRST, SECOND]


def test_missing_parts_are_reported() -> None:
    assert missing_parts(TWO, [SECOND]) == [1]
    with pytest.raises(UploadIncomplete) as refusal:
        select_parts(TWO, [SECOND], BOTH)
    assert refusal.value.extensions == {"missing_part_numbers": [1]}


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        ([], [1, 2]),
        (BOTH[:1], [2]),
        ([CompletedPart(1, "bb"), CompletedPart(2, "aa")], [1, 2]),
        ([CompletedPart(1, "aa"), CompletedPart(2, "cc")], [2]),
        ([*BOTH, CompletedPart(2, "bb")], [2]),
        ([*BOTH, CompletedPart(3, "cc")], [3]),
    ],
    ids=["empty", "missing", "swapped", "unknown", "twice", "extra"],
)
def test_a_list_that_does_not_match_is_refused(listed: list[CompletedPart], wrong: list[int]) -> None:
    with pytest.raises(PartsMismatch) as refusal:
        select_parts(TWO, [FIRST, SECOND], listed)
    assert refusal.value.extensions == {"part_numbers": wrong}


def test_of_a_part_sent_twice_the_listed_one_is_used() -> None:
    again = StoredPart(2, "dd", 1000)
    assert select_parts(TWO, [FIRST, SECOND, again], [BOTH[0], CompletedPart(2, "dd")]) == [FIRST, again]


def test_a_single_part_may_be_omitted_from_the_list() -> None:
    one, part = upload_of(10), StoredPart(1, "aa", 10)
    assert select_parts(one, [part, part], []) == [part]
    assert select_parts(one, [part], [CompletedPart(1, "aa")]) == [part]
    with pytest.raises(PartsMismatch):
        select_parts(one, [part], [CompletedPart(1, "bb")])


def test_a_size_other_than_announced_is_refused() -> None:
    with pytest.raises(SizeMismatch) as refusal:
        select_parts(upload_of(10), [StoredPart(1, "aa", 11)], [])
    assert refusal.value.extensions == {"announced_bytes": 10, "arrived_bytes": 11}


QUOTAS = Quotas(open_uploads=2, uploads_per_day=5, bytes_per_day=100)


def test_quotas_may_be_exhausted() -> None:
    QUOTAS.check(Usage(2, 5, 100), NOW)


@pytest.mark.parametrize(
    ("usage", "quota", "retry_after"),
    [
        (Usage(3, 5, 100), "open_uploads", 60),
        (Usage(2, 6, 100), "uploads_per_day", 14 * 3600 + 1),
        (Usage(2, 5, 101), "bytes_per_day", 14 * 3600 + 1),
    ],
)
def test_an_exceeded_quota_is_reported_with_its_end(usage: Usage, quota: str, retry_after: int) -> None:
    with pytest.raises(QuotaExceeded) as refusal:
        QUOTAS.check(usage, NOW)
    assert refusal.value.extensions["quota"] == quota
    assert refusal.value.headers["Retry-After"] == str(retry_after)
