"""Photos as people's devices write them: committed files, judged against independently rendered pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from photomesh_media_worker.domain import Camera, Processed, Rejected
from photomesh_media_worker.pipeline import process
from tests.support import photos

CASES = Path(__file__).parents[2] / "cases" / "photos"

# The same picture as a JPEG differs by 1.3 on average, and by 15 at the edges of its colours, where chroma is halved.
MEAN, NEARLY_ALL = 2.0, 20.0


def ready(data: bytes) -> Processed:
    outcome = process(data)
    assert isinstance(outcome, Processed), outcome
    return outcome


def published(data: bytes) -> npt.NDArray[np.float64]:
    return np.asarray(photos.open_picture(ready(data).variants[0].jpeg).convert("RGB"), float)


def of_folders(*folders: str) -> list[str]:
    found = [path for folder in folders for path in sorted((CASES / folder).iterdir())]
    assert found
    return [
        str(path.relative_to(CASES)) for path in found if path.name != "reference.png" and path.stem not in MISSING_DATA
    ]


MISSING_DATA = {"cut", "still-truncated"}


@pytest.mark.parametrize(
    "name",
    of_folders(
        "restart-junk",
        "header-padding",
        "unterminated",
        "isobmff-trailer",
        "avif-bad-exif",
        "heic-grey-deep",
        "heic-premultiplied",
        "dcf-adobe-rgb",
        "png-colour-chunks",
        "cicp-bt2020",
        "exif-broken-neighbour",
        "avif-clap",
    ),
)
def test_the_picture_is_the_reference(name: str) -> None:
    path = CASES / name
    own, common = path.parent / "reference.png", CASES / "reference.png"
    reference = np.asarray(Image.open(own if own.exists() else common).convert("RGB"), float)
    picture = published(path.read_bytes())
    assert picture.shape == reference.shape
    difference = np.abs(picture - reference)
    assert difference.mean() < MEAN
    assert np.percentile(difference, 99) < NEARLY_ALL


@pytest.mark.parametrize(
    "name",
    [
        "unterminated/still-truncated.jpg",
        "unterminated/still-truncated.png",
        "isobmff-trailer/cut.avif",
        "isobmff-trailer/cut.heic",
    ],
)
def test_a_picture_that_is_not_whole_is_refused(name: str) -> None:
    outcome = process((CASES / name).read_bytes())
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == "truncated"


def test_black_ink_is_black() -> None:
    field = published((CASES / "black-point" / "cmyk-black-no-profile.jpg").read_bytes())[200:, :]
    assert field.reshape(-1, 3).mean(axis=0).max() <= 20


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("6400", "1/6400"),
        ("12800", "1/12800"),
        ("32000", "1/32000"),
        ("64000", "1/64000"),
        ("r6", "1/640"),
        ("third", "1/3"),
        ("0.4", "0.4"),
        ("2.5th", "0.4"),
        ("1.3", "1.3"),
    ],
)
def test_exposure_is_what_the_camera_shows(name: str, text: str) -> None:
    assert ready((CASES / "exposure-rounding" / f"{name}.jpg").read_bytes()).camera.exposure == text


@pytest.mark.parametrize(
    ("name", "camera"),
    [
        ("utf8", Camera(make="Xiaomi", model="小米 14 Ultra", lens="Зенитар 50mm ƒ/1.2")),
        ("exif3-type129", Camera(make="Xiaomi", model="小米 14 Ultra", lens="Зенитар 50mm ƒ/1.2")),
        ("latin1", Camera(make="Kamera", model="Modèle")),
    ],
)
def test_text_is_what_was_written(name: str, camera: Camera) -> None:
    assert ready((CASES / "exif-text" / f"{name}.jpg").read_bytes()).camera == camera


@pytest.mark.parametrize("name", ["blank", "zero", "digitized"])
def test_the_first_date_that_is_one_counts(name: str) -> None:
    assert ready((CASES / "date-fallback" / f"{name}.jpg").read_bytes()).camera.taken_at == "2024-05-06T07:08:09"


@pytest.mark.parametrize("name", ["text", "zeroed"])
def test_exif_data_that_is_none_is_no_metadata(name: str) -> None:
    assert ready((CASES / "avif-bad-exif" / f"{name}.avif").read_bytes()).camera == Camera()


@pytest.mark.parametrize(("width", "height"), [(8160, 6144), (8192, 6144), (8320, 6240)])
def test_cameras_of_50_megapixels_are_taken(width: int, height: int) -> None:
    data = photos.encode("jpeg", photos.scene(width, height), quality=50, progressive=True)
    assert (ready(data).width, ready(data).height) == (width, height)
