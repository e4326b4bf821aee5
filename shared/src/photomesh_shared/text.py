"""Rules for texts that people write: which characters they may have, and what counts as empty. Pure.

Each rule takes time quadratic in the length of a run of combining marks (the normalization does), so callers bound the
length first: `RAW_FACTOR` times the limit leaves room for what composition removes.
"""

from __future__ import annotations

import unicodedata

import regex

__all__ = ["RAW_FACTOR", "normalize_line", "normalize_text"]

RAW_FACTOR = 4
"""No text becomes more than four times shorter when it is composed."""

# Control characters, halves of surrogate pairs (JSON can escape one), line and paragraph separators.
_CONTROLS = r"\p{Cc}\p{Cs}\p{Zl}\p{Zp}"
_NOT_IN_TEXT = regex.compile(rf"[[{_CONTROLS}]--[\n\t]]", regex.V1)
_NOT_IN_LINE = regex.compile(rf"[{_CONTROLS}]")
# Everything else is seen: U+2800 is the Braille pattern without dots, U+FFF9–FFFB are marks of annotations.
_SEEN = regex.compile(r"[^\p{Z}\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFB]")
_BIDI = regex.compile(r"[\u202A-\u202E\u2066-\u2069]")
_EMBEDDINGS, _END_OF_EMBEDDING = "\u202a\u202b\u202d\u202e", "\u202c"
_END_OF_ISOLATE = "\u2069"


def normalize_text(text: str) -> str:
    """Returns a text of several lines, composed (NFC), its line breaks as LF; empty if nothing of it can be seen.

    Raises ValueError for control characters other than line breaks and tabs, and for bidirectional controls without
    their counterpart, which would turn round the text around it.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if _NOT_IN_TEXT.search(text):
        raise ValueError("must not contain control characters other than line breaks and tabs")
    if not _is_balanced(text):
        raise ValueError("must end every bidirectional override, embedding and isolate that it begins")
    return text if _SEEN.search(text) else ""


def normalize_line(text: str) -> str:
    """Returns a text of one line, composed (NFC), without surrounding white space; empty if nothing of it can be seen.

    Raises ValueError for control characters, also bidirectional ones: names stand beside other people's.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if _NOT_IN_LINE.search(text) or _BIDI.search(text):
        raise ValueError("must not contain control characters")
    return text if _SEEN.search(text) else ""


def _is_balanced(text: str) -> bool:
    """Whether embeddings and overrides end within the isolate in which they begin, and isolates within the text
    (Unicode Standard Annex 9, BD9 to BD11; there the end of an isolate ends what was begun in it)."""
    open_controls: list[str] = []
    for found in _BIDI.finditer(text):
        control = found[0]
        if control == _END_OF_EMBEDDING:
            if not open_controls or open_controls.pop() not in _EMBEDDINGS:
                return False
        elif control == _END_OF_ISOLATE:
            while open_controls and open_controls[-1] in _EMBEDDINGS:
                open_controls.pop()
            if not open_controls:
                return False
            open_controls.pop()
        else:
            open_controls.append(control)
    return not open_controls
