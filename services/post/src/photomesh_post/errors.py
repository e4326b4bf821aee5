"""Problems of photos and posts, below the errors in `photomesh_shared.errors`.

Problem
├── NotFound 404           ── PhotoNotFound, PostNotFound
├── Forbidden 403          ── NotYourPost
├── Conflict 409           ── PhotoInUse
├── PreconditionFailed 412
└── Unprocessable 422      ── UnknownPhoto, UnusablePhoto, TooManyPhotos, CaptionTooLong, TooManyHashtags,
                              TooManyMentions
"""

from __future__ import annotations

from photomesh_shared.errors import Conflict, Forbidden, NotFound, Unprocessable

__all__ = [
    "CaptionTooLong",
    "NotYourPost",
    "PhotoInUse",
    "PhotoNotFound",
    "PostNotFound",
    "TooManyHashtags",
    "TooManyMentions",
    "TooManyPhotos",
    "UnknownPhoto",
    "UnusablePhoto",
]


class PhotoNotFound(NotFound):
    """There is no photo with this id, or it is hidden from you: only its owner sees a photo that is not part of a
    published post, and only approved people see those of a private account.

    A photo whose upload was completed a moment ago may take a little to appear. For ids that are that young
    `retryable` is true and `Retry-After` says when to look again."""

    code, title = "photo-not-found", "There is no such photo"


class PostNotFound(NotFound):
    """There is no post with this id, it was deleted, or it is hidden from you; they look the same on purpose."""

    code, title = "post-not-found", "There is no such post"


class NotYourPost(Forbidden):
    """Only its author may edit or delete a post."""

    code, title = "not-your-post", "The post is somebody else's"


class PhotoInUse(Conflict):
    """A photo can be in one post at a time, and `errors` points to one that is in another already. Use other photos,
    or delete that post and upload the photo again."""

    code, title = "photo-in-use", "A photo is in another post already"


class UnknownPhoto(Unprocessable):
    """`errors` points to photos that are not yours, or do not exist, or were deleted.

    A photo whose upload was completed a moment ago may take a little to appear. When that may be so, `retryable` is
    true: send the same request again after `Retry-After` seconds."""

    code, title = "unknown-photo", "A photo is not one of yours"


class UnusablePhoto(Unprocessable):
    """`errors` points to a photo that was rejected or could not be processed. `GET /v1/photos/{id}` has the reason and
    says what to do."""

    code, title = "unusable-photo", "A photo was rejected or could not be processed"


class TooManyPhotos(Unprocessable):
    """A post has 1 to 10 photos. Split them over several posts."""

    code, title = "too-many-photos", "A post has at most 10 photos"


class CaptionTooLong(Unprocessable):
    """A caption has at most 2,200 characters (Unicode code points, after composition to NFC)."""

    code, title = "caption-too-long", "The caption is too long"


class TooManyHashtags(Unprocessable):
    """A caption has at most 30 different hashtags."""

    code, title = "too-many-hashtags", "The caption has too many hashtags"


class TooManyMentions(Unprocessable):
    """A caption mentions at most 20 different people."""

    code, title = "too-many-mentions", "The caption mentions too many people"
