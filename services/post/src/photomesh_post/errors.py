"""Problems of this service, below the errors in `photomesh_shared.errors`.

Problem
├── NotFound 404           ── AccountNotFound (shared), PhotoNotFound, PostNotFound, CommentNotFound, CollectionNotFound
├── Forbidden 403          ── NotYourPost, NotYourComment
├── Conflict 409           ── PhotoInUse
├── PreconditionFailed 412
└── Unprocessable 422      ── UnknownPhoto, PhotoForStory, UnusablePhoto, TooManyPhotos, CaptionTooLong,
                              TooManyHashtags, TooManyMentions, CommentTooLong, UnknownComment, TooManyCollections
"""

from __future__ import annotations

from photomesh_shared.errors import AccountNotFound, Conflict, Forbidden, NotFound, Unprocessable

__all__ = [
    "AccountNotFound",
    "CaptionTooLong",
    "CollectionNotFound",
    "CommentNotFound",
    "CommentTooLong",
    "NotYourComment",
    "NotYourPost",
    "PhotoForStory",
    "PhotoInUse",
    "PhotoNotFound",
    "PostNotFound",
    "TooManyCollections",
    "TooManyHashtags",
    "TooManyMentions",
    "TooManyPhotos",
    "UnknownComment",
    "UnknownPhoto",
    "UnusablePhoto",
]


class PhotoNotFound(NotFound):
    """There is no photo with this id, or it is hidden from you: only its owner sees a photo that is not part of a
    published post, and only followers see those of a private account.

    A photo whose upload was completed a moment ago may take a little to appear. For ids that are that young
    `retryable` is true and `Retry-After` says when to try again."""

    code, title = "photo-not-found", "There is no such photo"


class PostNotFound(NotFound):
    """There is no post with this id, it was deleted, or it is hidden from you; the two look the same on purpose."""

    code, title = "post-not-found", "There is no such post"


class NotYourPost(Forbidden):
    """Only its author may edit or delete a post."""

    code, title = "not-your-post", "The post belongs to another account"


class PhotoInUse(Conflict):
    """A photo can be in one post at a time, and `errors` points to one that is in another post already. Use other
    photos, or delete that post and upload the photo again."""

    code, title = "photo-in-use", "A photo is in another post already"


class UnknownPhoto(Unprocessable):
    """`errors` points to photos that are not yours, or do not exist, or were deleted.

    A photo whose upload was completed a moment ago may take a little to appear. When that may be so, `retryable` is
    true: send the same request again after `Retry-After` seconds."""

    code, title = "unknown-photo", "A photo is not yours or does not exist"


class PhotoForStory(Unprocessable):
    """`errors` points to photos that were uploaded for stories. Those are private, so no post can have them: upload the
    photo again with the purpose `post`."""

    code, title = "photo-for-story", "A photo was uploaded for a story"


class UnusablePhoto(Unprocessable):
    """`errors` points to a photo that was rejected or could not be processed. `GET /v1/photos/{id}` returns the reason
    and what you can do."""

    code, title = "unusable-photo", "A photo was rejected or could not be processed"


class TooManyPhotos(Unprocessable):
    """A post has 1 to 10 photos. Split them over several posts."""

    code, title = "too-many-photos", "A post has at most 10 photos"


class CaptionTooLong(Unprocessable):
    """A caption has at most 2,200 characters (Unicode code points, after composition to NFC)."""

    code, title = "caption-too-long", "The caption is too long"


class TooManyHashtags(Unprocessable):
    """A caption or a comment has at most 30 different hashtags, and 100 with repetitions."""

    code, title = "too-many-hashtags", "The text has too many hashtags"


class TooManyMentions(Unprocessable):
    """A caption or a comment mentions at most 20 different people, and has 100 mentions with repetitions."""

    code, title = "too-many-mentions", "The text mentions too many people"


class CommentNotFound(NotFound):
    """There is no comment with this id, it or the comment that it replies to was deleted, or it or its post is hidden
    from you; all look the same on purpose."""

    code, title = "comment-not-found", "There is no such comment"


class NotYourComment(Forbidden):
    """Only its author and the post's author may delete a comment."""

    code, title = "not-your-comment", "The comment belongs to another account"


class CommentTooLong(Unprocessable):
    """A comment has at most 2,200 characters (Unicode code points, after composition to NFC)."""

    code, title = "comment-too-long", "The comment is too long"


class UnknownComment(Unprocessable):
    """The comment to reply to is not one of this post: it does not exist, was deleted, or is hidden from you."""

    code, title = "unknown-comment", "The post has no such comment"


class CollectionNotFound(NotFound):
    """You have no collection with this id. Only its owner sees a collection."""

    code, title = "collection-not-found", "There is no such collection"


class TooManyCollections(Unprocessable):
    """An account can have 100 collections. Delete one that you do not need any more."""

    code, title = "too-many-collections", "You have too many collections"
