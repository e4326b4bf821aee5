"""Author diversity: pages on which no author crowds out the others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from photomesh_feed.ranking.features import Candidate

__all__ = ["arrange"]

_DECAY = 0.6
_POSTS_OF_AN_AUTHOR = 3  # on a page


class _Scored(NamedTuple):
    score: float
    post_id: int


def arrange(candidates: Sequence[Candidate], scores: Sequence[float], page_size: int) -> list[list[int]]:
    """Returns pages of post ids, best first. Every candidate is on one of them.

    On each page an author's second post counts 0.6 of its score and the third 0.36; the fourth waits for the next page,
    where the author starts afresh. So a page of few authors is short. Ties go to the newer post.
    """
    queues: dict[int, list[_Scored]] = defaultdict(list)
    for one, score in zip(candidates, scores, strict=True):
        queues[one.author_id].append(_Scored(score, one.post_id))
    for queue in queues.values():
        queue.sort()
    pages: list[list[int]] = []
    while queues:
        pages.append(_take_page(queues, page_size))
    return pages


def _take_page(queues: dict[int, list[_Scored]], size: int) -> list[int]:
    """Takes the posts of one page from the queues of authors, whose best are last."""
    page: list[int] = []
    taken: Counter[int] = Counter()
    heads = {author: queue[-1] for author, queue in queues.items()}
    while heads and len(page) < size:
        author = max(heads, key=heads.__getitem__)
        page.append(queues[author].pop().post_id)
        taken[author] += 1
        if not queues[author]:
            del queues[author], heads[author]
        elif taken[author] == _POSTS_OF_AN_AUTHOR:
            del heads[author]
        else:
            score, post = queues[author][-1]
            heads[author] = _Scored(score * _DECAY ** taken[author], post)
    return page
