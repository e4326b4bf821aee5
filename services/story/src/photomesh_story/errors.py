"""Problems of stories, below the errors in `photomesh_shared.errors`.

Problem
├── NotFound 404      ── HighlightNotFound, StoryNotFound
├── Conflict 409      ── AlreadyReplied, PhotoHadItsStory
├── Unprocessable 422 ── NoPhotoForStory, NotInArchive, OwnStory, TooManyStories
└── Unavailable 503   ── StoriesUnavailable, AudienceUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import Conflict, NotFound, Unavailable, Unprocessable

__all__ = [
    "AlreadyReplied",
    "AudienceUnavailable",
    "HighlightNotFound",
    "NoPhotoForStory",
    "NotInArchive",
    "OwnStory",
    "PhotoHadItsStory",
    "StoriesUnavailable",
    "StoryNotFound",
    "TooManyStories",
]


class StoryNotFound(NotFound):
    """There is no story with this id, its day is over, it was deleted, or it is not for you. All look the same on
    purpose."""

    code, title = "story-not-found", "There is no such story"


class PhotoHadItsStory(Conflict):
    """A photo is in one story at most, and the story of this one is over or was deleted. Upload the photo again."""

    code, title = "photo-had-its-story", "The photo was in a story already"


class AlreadyReplied(Conflict):
    """You replied to this story with another text. Delete that reply first."""

    code, title = "already-replied", "You have replied to this story"


class HighlightNotFound(NotFound):
    """There is no highlight with this number, or it is not for you. Both look the same on purpose."""

    code, title = "highlight-not-found", "There is no such highlight"


class NotInArchive(Unprocessable):
    """One of the stories is not in your archive, or was for close friends only: a highlight is for all who see your
    profile. A story is in the archive some seconds after its end."""

    code, title = "not-in-archive", "A story cannot be highlighted"


class OwnStory(Unprocessable):
    """The story is yours: replies go to its author."""

    code, title = "own-story", "Nobody replies to a story of their own"


class NoPhotoForStory(Unprocessable):
    """The photo is not yours, does not exist, is not ready, or was not uploaded with `"purpose": "story"`.

    A photo that was uploaded a moment ago may still be processed. When that may be so, `retryable` is true: send the
    same request again after `Retry-After` seconds, or look at `GET /v1/photos/{photo_id}` until it is `ready`."""

    code, title = "no-photo-for-story", "The photo cannot be put into a story"


class TooManyStories(Unprocessable):
    """You published 100 stories within 24 hours. Wait until the first of them is over."""

    code, title = "too-many-stories", "You have published too many stories today"


class StoriesUnavailable(Unavailable):
    """Stories cannot be read at the moment: their order is being built again. Try again in a few seconds."""

    code, title = "stories-unavailable", "Stories are not available"


class AudienceUnavailable(Unavailable):
    """Whose stories you may see is asked for each time, and the service that knows does not respond. Try again after
    `Retry-After` seconds."""

    code, title = "audience-unavailable", "Stories cannot be checked at the moment"
