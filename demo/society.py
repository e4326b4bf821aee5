"""A small society: who is in it, who follows whom, and what they say. The same one every time, but for the names.

Followers are distributed as in real networks: most people have a few, a few have many, and one has nearly everybody.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Society", "invent"]

_FIRST = (
    "ada grace linus radia edsger barbara alan margaret dennis karen ken frances tim hedy guido sophie john katherine "
    "claude evelyn donald shafi leslie mary vint annie bjarne joan niklaus jean"
)
_LAST = "of.the.hills by.the.sea in.town up.north down.south"
_FOLLOWS_MEDIAN, _FOLLOWS_SPREAD, _FOLLOWS_MOST = 9, 0.8, 60  # a log-normal distribution
_POPULARITY = 0.8  # of the n-th in rank: n to the power of minus this
_STARSTRUCK = 0.9  # of all people follow the celebrity
_LIKES = 0.4  # of its readers like a post
_COMMENTS = 0.06
_REMARKS = (
    "What a light!",
    "Where is this?",
    "I can smell the air.",
    "Take me with you next time.",
    "The second one is my favourite.",
    "Beautiful, as always.",
    "This belongs on a wall.",
    "How early did you get up for this?",
)


@dataclass(frozen=True)
class Society:
    """People by number, the celebrity first, the others by descending popularity."""

    names: tuple[str, ...]
    follows: tuple[frozenset[int], ...]
    """Whom each follows."""

    def followers(self, person: int) -> list[int]:
        return [other for other, followed in enumerate(self.follows) if person in followed]

    def follow_count(self) -> int:
        return sum(map(len, self.follows))

    def likers(self, post: int, author: int) -> list[int]:
        """Who likes the n-th post of the demo."""
        return _some(self.followers(author), _LIKES, seed=2 * post)

    def remarks(self, post: int, author: int) -> list[tuple[int, str]]:
        """Who comments on the n-th post, and what."""
        people = _some(self.followers(author), _COMMENTS, seed=2 * post + 1) or self.followers(author)[:1]
        return [(person, _REMARKS[(post + person) % len(_REMARKS)]) for person in people]

    def outsider(self, authors: Sequence[int]) -> int:
        """Of all but these authors, somebody who follows the fewest of them."""
        others = (person for person in range(len(self.names)) if person not in authors)
        return min(others, key=lambda person: len(self.follows[person].intersection(authors)))

    def reader(self, authors: Sequence[int]) -> int:
        """Of those who follow most of these authors, the one who follows the fewest people."""
        follows = self.follows
        return max(range(len(follows)), key=lambda who: (len(follows[who] & set(authors)), -len(follows[who])))


def invent(people: int) -> Society:
    """A society of so many people, at most 150."""
    dice = random.Random(1)  # noqa: S311 - no secret
    names = [f"{first}.{last}" for last in _LAST.split() for first in _FIRST.split()][:people]
    weights = [(rank + 1) ** -_POPULARITY for rank in range(people)]
    follows = []
    for person in range(people):
        wanted = min(_FOLLOWS_MOST, people - 1, 1 + int(dice.lognormvariate(0, _FOLLOWS_SPREAD) * _FOLLOWS_MEDIAN))
        chosen = {0} if person and dice.random() < _STARSTRUCK else set[int]()
        while len(chosen) < wanted:
            other = dice.choices(range(people), weights)[0]
            if other not in (person, 0):
                chosen.add(other)
        follows.append(frozenset(chosen))
    return Society(tuple(names), tuple(follows))


def _some(people: Sequence[int], share: float, seed: int) -> list[int]:
    dice = random.Random(seed)  # noqa: S311
    return [person for person in people if dice.random() < share]
