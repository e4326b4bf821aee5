"""Tables of `docs/events.md`: what is the subject of each type, and what its versions count."""

from __future__ import annotations

from collections.abc import Iterator

from photomesh_shared.events import event_types
from photomesh_shared.events.documents.asyncapi import SINGLE_EVENTS
from photomesh_shared.verify_topics.templates import key_template, owner_template, subject_template

__all__ = ["subjects_and_versions"]

_TIME = "a time"
_OUTCOME = "one more than that of the upload or the request whose outcome it is"
_OTHER_VERSIONS = {
    "photomesh.photo.ready.v1": _OUTCOME,
    "photomesh.photo.rejected.v1": _OUTCOME,
    "photomesh.photo.failed.v1": _OUTCOME,
    **dict.fromkeys(SINGLE_EVENTS, "1"),
}

_TEXT = """\
## Subjects and versions

`ce_subject` is the entity, and `ce_entityversion` orders its events. **A time** means microseconds since 1970, and at
least one more than the subject's last version; so versions have gaps, and continue above all earlier ones after a
restored backup. Types with the same subject share its versions: a follow, a request, a block and a mute of one pair, or
the upload and the outcome of one photo. Versions of different subjects are not comparable. Names in braces are fields.

| type | key | owner | subject | version |
| --- | --- | --- | --- | --- |
"""

_REPETITIONS = """
### What to expect of repetitions and order

- **One `ce_id` may come with other times.** When a service crashes between the log and its tables, it decides again:
  the repeated event has the same `ce_id`, and may differ in `ce_time`, in `ce_entityversion` and in fields that end in
  `_at`; all other fields are the same. Either copy may be kept.
- **A photo may have two outcomes, if it was deleted.** A photo that is deleted while its upload is delivered again has
  no original any more: `photo_ready` is followed by `photo_rejected` with the code `missing`, of the same version.
  Whoever skips versions that are not higher keeps the first; the photo is gone in either case.
- **Order is that of offsets, not of `ce_time`.** `ce_time` is taken before the transaction that orders the events of
  an owner, and by the clock of one replica. So two events of one owner that happen at the same time, such as the
  completion of two uploads, may be in the log in the other order, by milliseconds or the difference of two clocks.
- **Impressions have no versions.** Each report is a subject of its own; of the superseded type
  `photomesh.impression.recorded.v1`, all impressions of one post by one account share a subject and the version 1, so
  tell them apart by `ce_id`.
- **`photos_reprocess` is written by hand**, by an operator's command (`make reprocess`), and is often empty.
"""


def subjects_and_versions() -> str:
    """Return the section."""
    return _TEXT + "\n".join(_rows()) + "\n" + _REPETITIONS


def _rows() -> Iterator[str]:
    for name, kind in event_types().items():
        templates = (key_template(kind), owner_template(kind), subject_template(kind))
        cells = [f"`{name}`", *(f"`{template}`" for template in templates), _OTHER_VERSIONS.get(name, _TIME)]
        yield f"| {' | '.join(cells)} |"
