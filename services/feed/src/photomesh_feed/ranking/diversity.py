"""Author diversity: pages on which no author crowds out the others, with suggested posts between them."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

from photomesh_feed.domain.suggestions import SUGGESTION_EVERY
from photomesh_feed.ranking.features import Candidate

__all__ = ["arrange"]

_DECAY = 0.6
_POSTS_OF_AN_AUTHOR = 3  # on a page


class _Scored(NamedTuple):
    score: float
    post_id: int


class _Suggested:
    """Suggested posts that wait for their places: the tenth, after nine posts of the feed, and so on."""

    def __init__(self, post_ids: Sequence[int]) -> None:
        self._waiting = deque(post_ids)
        self._since = 0

    @property
    def due(self) -> bool:
        return bool(self._waiting) and self._since >= SUGGESTION_EVERY - 1

    def take(self) -> int:
        self._since = 0
        return self._waiting.popleft()

    def count(self) -> None:
        """Counts a post of the feed."""
        self._since += 1


def arrange(
    candidates: Sequence[Candidate], scores: Sequence[float], page_size: int, suggested: Sequence[int] = ()
) -> list[list[int]]:
    """Returns pages of post ids, best first. Every candidate is on one of them; of `suggested`, as many as have a
    place.

    On each page an author's second post counts 0.6 of its score and the third 0.36; the fourth waits for the next page,
    where the author starts afresh. So a page of few authors is short. Ties go to the newer post.
    """
    queues: dict[int, list[_Scored]] = defaultdict(list)
    for one, score in zip(candidates, scores, strict=True):
        queues[one.author_id].append(_Scored(score, one.post_id))
    for queue in queues.values():
        queue.sort()
    pages: list[list[int]] = []
    between = _Suggested(suggested)
    while queues:
        pages.append(_take_page(queues, page_size, between))
    return pages


def _take_page(queues: dict[int, list[_Scored]], size: int, between: _Suggested) -> list[int]:
    """Takes the posts of one page from the queues of authors, whose best are last."""
    page: list[int] = []
    taken: Counter[int] = Counter()
    heads = {author: queue[-1] for author, queue in queues.items()}
    while len(page) < size:
        if between.due:
            page.append(between.take())
            continue
        if not heads:
            break
        author = max(heads, key=heads.__getitem__)
        page.append(queues[author].pop().post_id)
        between.count()
        taken[author] += 1
        if not queues[author]:
            del queues[author], heads[author]
        elif taken[author] == _POSTS_OF_AN_AUTHOR:
            del heads[author]
        else:
            score, post = queues[author][-1]
            heads[author] = _Scored(score * _DECAY ** taken[author], post)
    return page
