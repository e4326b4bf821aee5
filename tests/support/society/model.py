"""What the mesh must agree with. Accounts are numbers from 0; posts and comments have the ids that the mesh gave."""

from __future__ import annotations

from dataclasses import dataclass, field

from photomesh_shared import ids

__all__ = ["Model", "Post", "feed_position"]


@dataclass
class Post:
    author: int
    likes: set[int] = field(default_factory=set)
    comments: dict[str, int] = field(default_factory=dict)
    """Comment id → its author."""


@dataclass
class Model:
    """Pairs are (follower, followed), (blocker, blocked) and so on."""

    private: set[int] = field(default_factory=set)
    follows: set[tuple[int, int]] = field(default_factory=set)
    requests: set[tuple[int, int]] = field(default_factory=set)
    blocks: set[tuple[int, int]] = field(default_factory=set)
    mutes: set[tuple[int, int]] = field(default_factory=set)
    posts: dict[str, Post] = field(default_factory=dict)

    def add_post(self, post_id: str, author: int) -> None:
        self.posts[post_id] = Post(author)

    def blocked(self, one: int, other: int) -> bool:
        """Whether either blocks the other."""
        return (one, other) in self.blocks or (other, one) in self.blocks

    def sees(self, viewer: int, author: int) -> bool:
        if viewer == author:
            return True
        return not self.blocked(viewer, author) and (author not in self.private or (viewer, author) in self.follows)

    def feed(self, viewer: int) -> list[str]:
        """The ids of the viewer's home feed, newest first."""
        shown = [
            post_id
            for post_id, post in self.posts.items()
            if (viewer, post.author) in self.follows and (viewer, post.author) not in self.mutes
        ]
        return sorted(shown, key=feed_position)

    def posts_by(self, author: int) -> list[str]:
        """The ids of an author's posts, newest first."""
        return sorted((post_id for post_id, post in self.posts.items() if post.author == author), key=feed_position)

    def counts(self, account: int) -> dict[str, int]:
        return {
            "posts": sum(post.author == account for post in self.posts.values()),
            "followers": sum(pair[1] == account for pair in self.follows),
            "following": sum(pair[0] == account for pair in self.follows),
        }

    def relationship(self, viewer: int, other: int) -> dict[str, bool]:
        return {
            "following": (viewer, other) in self.follows,
            "requested": (viewer, other) in self.requests,
            "followed_by": (other, viewer) in self.follows,
            "requested_by": (other, viewer) in self.requests,
            "blocking": (viewer, other) in self.blocks,
            "muting": (viewer, other) in self.mutes,
        }

    def follow(self, one: int, other: int) -> None:
        """Or ask to follow, if the other account is private."""
        if self.blocked(one, other) or (one, other) in self.follows:
            return
        (self.requests if other in self.private else self.follows).add((one, other))

    def unfollow(self, one: int, other: int) -> None:
        self.follows.discard((one, other))
        self.requests.discard((one, other))

    def block(self, one: int, other: int) -> None:
        self.blocks.add((one, other))
        for pair in ((one, other), (other, one)):
            self.unfollow(*pair)

    def make_public(self, account: int) -> None:
        """Those who asked to follow now do."""
        self.private.discard(account)
        approved = {pair for pair in self.requests if pair[1] == account}
        self.requests -= approved
        self.follows |= approved


def feed_position(post_id: str) -> tuple[int, str]:
    """The sort key of feeds: newest first, by the millisecond in the id."""
    number = ids.decode("o", post_id)
    return -(number >> 22), str(number)
