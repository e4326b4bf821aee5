"""Makes the file of PHOTOMESH_BREACHED_PASSWORDS_FILE from a list of breached passwords::

python -m photomesh_identity.breached_passwords pwned-passwords-sha1-ordered-by-hash.txt breached.bin

The list has one password or one SHA-1 (with `:count` or without) in a line. The 900 million of Have I Been Pwned
(https://haveibeenpwned.com/Passwords, by their downloader) make a file of 7 GB in a quarter of an hour or so.
"""

from __future__ import annotations

import sys
from pathlib import Path

from photomesh_identity.credentials.breached import hashes_of_list, write_hashes

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 2:
        print("usage: python -m photomesh_identity.breached_passwords LIST FILE", file=sys.stderr)
        return 2
    with Path(given[0]).open(errors="surrogateescape") as lines:
        number = write_hashes(hashes_of_list(lines), Path(given[1]))
    print(f"{number} passwords are in {given[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
