"""``python -m benchmarks.media``: see the package."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import pillow_heif
from PIL import Image

from benchmarks.media import footprint, photos, race, report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.media", description=__doc__)
    parser.add_argument(
        "--photos", default=os.environ.get("PHOTOS", ""), help="a folder (default: $PHOTOS, or our own)"
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often each does each photo (default: %(default)s)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core they run on")
    return parser.parse_args()


def _describe(name: str, path: Path) -> report.Photo:
    with Image.open(path) as picture:
        kind = {"HEIF": "HEIC", "MPO": "JPEG"}.get(picture.format or "", picture.format or "")
        kind = f"progressive {kind}" if picture.info.get("progressive") else kind
        return report.Photo(name, kind, picture.width * picture.height, path.stat().st_size)


def main() -> None:
    arguments = _arguments()
    pillow_heif.register_heif_opener()
    with tempfile.TemporaryDirectory() as scratch:
        field = race.install_sharp()
        print(f"… {field.sharp or 'sharp is left out: ' + field.why_not}", flush=True)
        own = Path(scratch, "photos")
        large = Path(scratch, "large")
        own.mkdir()
        large.mkdir()
        print("… making photos", flush=True)
        chosen = photos.in_folder(Path(arguments.photos)) if arguments.photos else photos.generated(own)
        footprints = footprint.measure(photos.large(large))
        times = race.race(race.commands(field), chosen, rounds=arguments.rounds, core=arguments.core)
        described = [_describe(name, path) for name, path in chosen.items()]
        command = "make bench-media" + (" PHOTOS=a folder of camera photos" if arguments.photos else "")
        results = report.Results(described, times, field, footprints, arguments.rounds)
        print(report.write(results, command))


if __name__ == "__main__":
    main()
