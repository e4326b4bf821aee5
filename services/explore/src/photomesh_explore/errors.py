"""Problems of explore, below the errors in `photomesh_shared.errors`.

Problem
├── NotFound 404      ── NotShownLately, FeedbackNotFound
├── Unprocessable 422 ── NoSuchHashtagOnPost, TooMuchFeedback
└── Unavailable 503   ── ExploreUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import NotFound, Unavailable, Unprocessable

__all__ = ["ExploreUnavailable", "FeedbackNotFound", "NoSuchHashtagOnPost", "NotShownLately", "TooMuchFeedback"]


class ExploreUnavailable(Unavailable):
    """What explore knows is being built again, or what says which posts you may see does not respond. Try again in a
    few seconds."""

    code, title = "explore-unavailable", "Explore is not available at the moment"


class NotShownLately(NotFound):
    """Explore did not show you this post in the last days, or you may not see it any more."""

    code, title = "not-shown-lately", "Explore did not show you this post lately"


class FeedbackNotFound(NotFound):
    """There is no feedback of yours with this id."""

    code, title = "feedback-not-found", "There is no such feedback"


class NoSuchHashtagOnPost(Unprocessable):
    """`hide_tag` needs `tag`, one of the post's hashtags; it may be left out if the post has only one."""

    code, title = "no-such-hashtag-on-post", "The post does not have this hashtag"


class TooMuchFeedback(Unprocessable):
    """An account keeps up to 500 pieces of feedback. Remove some that you do not need any more."""

    code, title = "too-much-feedback", "You have given as much feedback as is kept"
