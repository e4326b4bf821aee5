"""What notifications show of accounts, posts, comments and photos. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import regex

from photomesh_post.accounts.domain import Author, Standing
from photomesh_post.comments.domain import Comment
from photomesh_post.photos.domain import Photo
from photomesh_post.posts.domain import Post
from photomesh_shared.events import Variant

__all__ = ["MAX_EXCERPT", "SeenComment", "Sightings", "excerpt_of", "is_present", "smallest"]

MAX_EXCERPT = 140  # code points, with the sign that something follows
_CLUSTER = regex.compile(r"\X")


@dataclass(frozen=True)
class SeenComment:
    """`hidden_ids`: of the accounts that were asked about, those whose likes of the comment the viewer is not shown."""

    comment: Comment
    excerpt: str
    hidden_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Sightings:
    """By id; what the viewer may not see is absent."""

    accounts: Mapping[int, tuple[Author, Standing]] = field(default_factory=dict)
    posts: Mapping[int, Post] = field(default_factory=dict)
    comments: Mapping[int, SeenComment] = field(default_factory=dict)
    photos: Mapping[int, Photo] = field(default_factory=dict)
    likes: Mapping[int, int] = field(default_factory=dict)
    """Of those posts and comments whose likes were to be counted."""


def is_present(author: Author, standing: Standing) -> bool:
    """Whether the viewer may be told that an account did something: no block is between the two, and the account is
    known, and neither deactivated nor leaving."""
    return standing.own or not (author.username is None or author.hidden or standing.blocked)


def excerpt_of(text: str) -> str:
    """The beginning of a text. Never ends within what people see as one character."""
    if len(text) <= MAX_EXCERPT:
        return text
    # The last of these may go on in what follows.
    clusters = _CLUSTER.findall(text[:MAX_EXCERPT])
    return "".join(clusters[:-1]).rstrip() + "…"


def smallest(variants: tuple[Variant, ...]) -> Variant | None:
    return min(variants, key=lambda variant: variant.size, default=None)
