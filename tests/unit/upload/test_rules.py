"""The rules of uploads: what is taken, how it is cut, which parts are joined, who has used up what."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.errors import InvalidRequest
from photomesh_shared.limits import ALLOWED_TYPES, MAX_UPLOAD_BYTES, MULTIPART_THRESHOLD, PART_SIZE
from photomesh_upload.domain import (
    Announcement,
    NamedPart,
    Part,
    Quotas,
    Status,
    Upload,
    Usage,
    choose_parts,
    missing_parts,
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
        announced=Announcement("a.jpg", "image/jpeg", size_bytes),
        multipart_id="m",
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )


@pytest.mark.parametrize("kind", ALLOWED_TYPES)
def test_photos_of_these_types_are_taken(kind: str) -> None:
    assert Announcement.checked("a", f" {kind.upper()}", 1).content_type == kind


@pytest.mark.parametrize(("said", "meant"), [("image/heif", "image/heic"), ("image/jpg", "image/jpeg")])
def test_other_names_of_a_type_are_understood(said: str, meant: str) -> None:
    assert Announcement.checked("a", said, 1).content_type == meant


@pytest.mark.parametrize("kind", ["image/gif", "image/svg+xml", "application/pdf", "text/html", "jpeg", "image/"])
def test_other_types_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedType) as refusal:
        Announcement.checked("a", kind, 1)
    assert refusal.value.errors[0].pointer == "/content_type"
    assert refusal.value.extensions == {"allowed_types": list(ALLOWED_TYPES)}


def test_a_photo_may_have_50_mb_and_not_a_byte_more() -> None:
    assert Announcement.checked("a", "image/jpeg", MAX_UPLOAD_BYTES).in_parts
    with pytest.raises(PhotoTooLarge) as refusal:
        Announcement.checked("a", "image/jpeg", MAX_UPLOAD_BYTES + 1)
    assert refusal.value.extensions == {"max_bytes": MAX_UPLOAD_BYTES}


@pytest.mark.parametrize("name", ["IMG_0042.JPG", "Ölberg – früh.heic", "写真.png", "../../etc/passwd", "👩‍🚀.webp"])
def test_any_printable_name_will_do(name: str) -> None:
    assert Announcement.checked(name, "image/jpeg", 1).filename == name


@pytest.mark.parametrize("name", [" ", "a\x00.jpg", "a\n.jpg", "a\x7f", "a\u2028b", "\ud800.jpg"])
def test_names_with_control_characters_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Announcement.checked(name, "image/jpeg", 1)
    assert refusal.value.errors[0].pointer == "/filename"


def test_only_what_is_over_5_mb_goes_in_parts() -> None:
    assert not Announcement("a", "image/jpeg", MULTIPART_THRESHOLD).in_parts
    assert len(upload_of(MULTIPART_THRESHOLD).part_sizes) == 1
    assert Announcement("a", "image/jpeg", MULTIPART_THRESHOLD + 1).in_parts


@given(st.integers(1, MAX_UPLOAD_BYTES))
def test_parts_cover_the_file_and_the_store_takes_each(size: int) -> None:
    sizes = upload_of(size).part_sizes
    assert list(sizes) == list(range(1, len(sizes) + 1))
    assert sum(sizes.values()) == size
    assert all(part == PART_SIZE for part in list(sizes.values())[:-1])
    assert 1 <= len(sizes) <= 10


def test_the_name_of_the_object_says_nothing_of_the_client() -> None:
    assert upload_of(1).key == "up_3D7/original"


def test_an_upload_is_expired_before_the_sweeper_comes_by() -> None:
    upload = upload_of(1)
    assert upload.status_at(upload.expires_at - timedelta(seconds=1)) is Status.OPEN
    assert upload.status_at(upload.expires_at) is Status.EXPIRED


TWO = upload_of(PART_SIZE + 1000)
FIRST, SECOND = Part(1, "aa", PART_SIZE), Part(2, "bb", 1000)
BOTH = [NamedPart(1, "aa"), NamedPart(2, "bb")]


def test_parts_are_joined_in_their_order_whatever_the_client_s() -> None:
    assert choose_parts(TWO, [SECOND, FIRST], BOTH[::-1]) == [FIRST, SECOND]


def test_parts_that_have_not_arrived_are_named() -> None:
    assert missing_parts(TWO, [SECOND]) == [1]
    with pytest.raises(UploadIncomplete) as refusal:
        choose_parts(TWO, [SECOND], BOTH)
    assert refusal.value.extensions == {"missing_part_numbers": [1]}


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ([], [1, 2]),
        (BOTH[:1], [2]),
        ([NamedPart(1, "bb"), NamedPart(2, "aa")], [1, 2]),
        ([NamedPart(1, "aa"), NamedPart(2, "cc")], [2]),
        ([*BOTH, NamedPart(2, "bb")], [2]),
        ([*BOTH, NamedPart(3, "cc")], [3]),
    ],
    ids=["none named", "one left out", "swapped", "foreign", "twice", "one too many"],
)
def test_another_list_than_what_arrived_is_refused(named: list[NamedPart], wrong: list[int]) -> None:
    with pytest.raises(PartsMismatch) as refusal:
        choose_parts(TWO, [FIRST, SECOND], named)
    assert refusal.value.extensions == {"part_numbers": wrong}


def test_a_part_sent_twice_is_the_one_that_the_client_names() -> None:
    again = Part(2, "dd", 1000)
    assert choose_parts(TWO, [FIRST, SECOND, again], [BOTH[0], NamedPart(2, "dd")]) == [FIRST, again]


def test_a_single_part_need_not_be_named_but_if_it_is_it_must_be_right() -> None:
    one, part = upload_of(10), Part(1, "aa", 10)
    assert choose_parts(one, [part, part], []) == [part]
    assert choose_parts(one, [part], [NamedPart(1, "aa")]) == [part]
    with pytest.raises(PartsMismatch):
        choose_parts(one, [part], [NamedPart(1, "bb")])


def test_another_size_than_announced_is_refused() -> None:
    with pytest.raises(SizeMismatch) as refusal:
        choose_parts(upload_of(10), [Part(1, "aa", 11)], [])
    assert refusal.value.extensions == {"announced_bytes": 10, "arrived_bytes": 11}


QUOTAS = Quotas(open_uploads=2, uploads_per_day=5, bytes_per_day=100)


def test_quotas_may_be_used_to_the_full() -> None:
    QUOTAS.check(Usage(2, 5, 100), NOW)


@pytest.mark.parametrize(
    ("usage", "quota", "retry_after"),
    [
        (Usage(3, 5, 100), "open_uploads", 60),
        (Usage(2, 6, 100), "uploads_per_day", 14 * 3600 + 1),
        (Usage(2, 5, 101), "bytes_per_day", 14 * 3600 + 1),
    ],
)
def test_a_used_up_quota_is_named_with_its_end(usage: Usage, quota: str, retry_after: int) -> None:
    with pytest.raises(QuotaExceeded) as refusal:
        QUOTAS.check(usage, NOW)
    assert refusal.value.extensions["quota"] == quota
    assert refusal.value.headers["Retry-After"] == str(retry_after)
