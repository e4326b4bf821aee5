"""Problems of stories, below the errors in `photomesh_shared.errors`.

Problem
├── NotFound 404      ── StoryNotFound
├── Conflict 409      ── PhotoHadItsStory
├── Unprocessable 422 ── NoPhotoForStory, TooManyStories
└── Unavailable 503   ── StoriesUnavailable, AudienceUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import Conflict, NotFound, Unavailable, Unprocessable

__all__ = [
    "AudienceUnavailable",
    "NoPhotoForStory",
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
