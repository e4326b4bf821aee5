"""Events of feeds: the fan-out of a publication, in parts of equal size."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event
from photomesh_shared.ids import PostId, UserId
from photomesh_shared.packed_ids import pack
from photomesh_shared.personal import NOT_PERSONAL, RELATION

__all__ = ["FanoutRequested"]

_ADA, _GRACE, _POST = 382_764_105_932_316_672, 382_764_211_093_504_000, 382_764_298_916_429_824


class FanoutRequested(Event):
    """A post is to be inserted into the feeds of some of its author's followers. `time` is that of the cause: the
    post's publication, or the author's number of followers falling below the fan-out limit."""

    type_: ClassVar[str] = "photomesh.feed.fanout-requested.v1"
    topic: ClassVar[str] = "feed_tasks"

    # Bytes are base64 in JSON; packed ids take a quarter less than decimal ones, and need no parsing.
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    post_id: PostId
    author_id: UserId
    part: Annotated[int, NOT_PERSONAL] = Field(
        description="Number of the part, from 1; the total is not known in advance."
    )
    followers: Annotated[bytes, RELATION] = Field(
        description="Up to 1,000 account ids, each a big-endian signed integer of eight bytes; base64 in the "
        "URL-safe alphabet."
    )
    older_remain: Annotated[bool, NOT_PERSONAL] = Field(
        default=False, description="Whether the author has older posts that are not inserted along with this one."
    )

    def partition_key(self) -> str:
        return self.subject()

    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.{self.part}"

    @classmethod
    def example(cls) -> FanoutRequested:
        followers = pack([_GRACE])
        return cls(post_id=_POST, author_id=_ADA, part=1, followers=followers)
