"""The results, as tables of ratios for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import PIL

from benchmarks.media.footprint import Footprint
from benchmarks.media.race import Field, Times
from photomesh_media_worker import raster
from photomesh_media_worker.pipeline import JPEG_QUALITY

__all__ = ["Results", "write"]

_FOLDER = Path(__file__).resolve().parents[1] / "results"
_AIM_MS = 100
_12_MEGAPIXELS = range(11_900_000, 12_400_000)
_NAMES = {
    "photomesh": "photomesh (with hashes, EXIF, strictness)",
    "sharp": "sharp, four clones of one input",
    "sharp, chained": "sharp, each size from the one before",
    "libvips": "libvips, four thumbnails",
    "pillow": "Pillow, each size from the one before",
}


@dataclass(frozen=True)
class Photo:
    """What the tables need to know of a photo."""

    name: str
    type: str
    pixels: int
    size_bytes: int


@dataclass(frozen=True)
class Results:
    photos: Sequence[Photo]
    times: Times
    field: Field
    footprints: Sequence[Footprint]
    rounds: int


def _comparison(results: Results, photos: Sequence[Photo]) -> list[str]:
    """Mean of the medians over the photos; a contestant that cannot read one of them is left out."""
    lines = [
        "| contestant | CPU ms per photo | photos/s on one core | CPU time ÷ photomesh |",
        "| --- | --- | --- | --- |",
    ]
    ours = _mean(results.times, "photomesh", photos)
    for name, title in _NAMES.items():
        if name.startswith("sharp") and not results.field.sharp:
            continue
        mean = _mean(results.times, name, photos)
        lines.append(
            f"| {title} | {mean * 1000:.1f} | {1 / mean:.1f} | {f'{mean / ours:.2f}' if ours else '–'} |"
            if mean
            else f"| {title} | – | – | – |"
        )
    return lines


def _mean(times: Times, contestant: str, photos: Sequence[Photo]) -> float | None:
    medians = [times.median(contestant, photo.name) for photo in photos]
    return statistics.mean(m for m in medians if m) if medians and all(medians) else None


def _sections(results: Results) -> list[str]:
    jpegs = [photo for photo in results.photos if photo.type == "JPEG"]
    twelve = [photo for photo in jpegs if photo.pixels in _12_MEGAPIXELS]
    lines: list[str] = []
    if twelve:
        size = statistics.mean(photo.size_bytes for photo in twelve) / 1e6
        mean = _mean(results.times, "photomesh", twelve)
        measured = f"{mean * 1000:.0f} ms ({mean * 1000 / _AIM_MS:.2f} of it)" if mean else "nothing"
        lines += [
            f"## 12-megapixel JPEGs ({len(twelve)}, {size:.1f} MB on average)",
            "",
            *_comparison(results, twelve),
            "",
            f"Aim: at most {_AIM_MS} ms of processor time with hashes; measured {measured}.",
            "",
        ]
    if len(jpegs) > len(twelve):
        megapixels = statistics.mean(photo.pixels for photo in jpegs) / 1e6
        lines += [f"## All JPEGs ({len(jpegs)}, {megapixels:.1f} MP on average)", "", *_comparison(results, jpegs), ""]
    for kind in ("progressive JPEG", "PNG", "WEBP", "AVIF", "HEIC"):
        if some := [photo for photo in results.photos if photo.type == kind]:
            megapixels = statistics.mean(photo.pixels for photo in some) / 1e6
            lines += [f"## {kind} ({len(some)}, {megapixels:.1f} MP)", "", *_comparison(results, some), ""]
    return lines


def _stages(results: Results) -> list[str]:
    shares = {stage: statistics.mean(values) for stage, values in results.times.stages.items()}
    if not shares:
        return []
    return [
        "## Where our time goes on a JPEG",
        "",
        "| stage | share | what it is |",
        "| --- | --- | --- |",
        *(f"| {stage} | {share:.0%} | {_WHAT[stage]} |" for stage, share in shares.items()),
        "",
        "Most of `decode` is undoing the JPEG's entropy coding, bit by bit and whatever size is wanted: it grows with",
        "the file's bytes more than with its pixels.",
        "",
    ]


_WHAT: Mapping[str, str] = {
    "header": "markers, dimensions, the end marker",
    "decode": "decoding at a reduced scale, resizing to 1080, colour, orientation",
    "variants": "640, 320 and 150, and encoding all four",
    "hashes": "SHA-256, pHash, ThumbHash",
    "metadata": "EXIF",
}


_NOTES = (
    "## Notes",
    "",
    "- *Clones* is how sharp's documentation makes several sizes; it decodes the photo once for each. *Each size from",
    "  the one before* is the most that can be saved with it, by hand, and what the pipeline does.",
    "- libvips' own thumbnails decode a photo that is less than four times as large as wanted at its full size.",
    "- sharp and libvips have a WebP scaled to the wanted width while it is decoded, which is 41 dB from a careful",
    "  reduction; ours keeps a margin of 1.25 for a last step by Lanczos, as it does for JPEG, and is at 47 dB.",
    "- sharp, libvips' wheels and Pillow decode no HEIC.",
    "- Object storage and Kafka are in memory in the last table.",
    "",
)


def _footprints(results: Results) -> list[str]:
    lines = [
        "## The worker on 24-megapixel photos",
        "",
        "All its processes together (consumer, fork server, decoders), in MB; RSS counts pages that several processes",
        "share once for each of them, PSS once. The last column is the longest that the event loop kept a timer",
        "waiting, as far as the process computed meanwhile and not others on the same machine.",
        "",
        "| photo | RSS, one by one | PSS, one by one | RSS, two at once | PSS, two at once | event loop, ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for f in results.footprints:
        sizes = (f.single_resident, f.single_proportional, f.several_resident, f.several_proportional)
        lines.append(
            f"| {f.photo.removeprefix('24-megapixel').strip('.-')} | "
            + " | ".join(f"{size:.0f}" for size in sizes)
            + f" | {f.held_up_ms:.1f} |"
        )
    return [*lines, "", "Aims: below 400 MB, and the event loop never held up for more than 20 ms by image work.", ""]


def write(results: Results, command: str) -> str:
    """Writes `benchmarks/results/media.md` and `.json`; gives the text of the first."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    versions = {
        "libvips": raster.version(),
        "Pillow": PIL.__version__,
        "sharp": results.field.sharp or f"left out: {results.field.why_not}",
    }
    text = "\n".join(
        [
            "# The media pipeline",
            "",
            f"`{command}` on {machine}, {_today()}.",
            f"libvips {versions['libvips']}, Pillow {versions['Pillow']}, {versions['sharp']}.",
            "",
            f"Four sizes of each photo (1080, 640, 320, 150; JPEG of quality {JPEG_QUALITY}, 4:2:0, optimised tables;",
            "Lanczos), upright, in sRGB, without metadata. One core and one thread each; contestants take turns photo",
            f"by photo; medians of {results.rounds} rounds of processor time.",
            "",
            *_sections(results),
            *_stages(results),
            *_footprints(results),
            *_NOTES,
        ]
    )
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / "media.md").write_text(text)
    (_FOLDER / "media.json").write_text(json.dumps(_summary(results, command, machine, versions), indent=2) + "\n")
    return text


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _summary(results: Results, command: str, machine: str, versions: Mapping[str, str]) -> dict[str, object]:
    return {
        "command": command,
        "machine": machine,
        "versions": versions,
        "date": _today(),
        "rounds": results.rounds,
        "photos": [
            asdict(photo)
            | {
                "cpu_ms": {
                    name: round(median * 1000, 2)
                    for name in results.times.seconds
                    if (median := results.times.median(name, photo.name))
                }
            }
            for photo in results.photos
        ],
        "stages": {stage: round(statistics.mean(shares), 4) for stage, shares in results.times.stages.items()},
        "footprints": [asdict(footprint) for footprint in results.footprints],
    }
