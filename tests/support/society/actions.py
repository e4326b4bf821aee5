"""Random actions of a society, made on the mesh and on the model alike.

Within a step, actions run concurrently where the model does not depend on their order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from tests.support.society.people import People

__all__ = ["Actions"]

_RELATIONS = 14
_MANY = 16
"""Posts from which on one is deleted each time."""
_VERBS = ["follow"] * 8 + ["unfollow", "unfollow", "block", "unblock", "mute", "unmute", "approve", "deny"]


class Actions:
    """`photos` are ready ones of each account, by its number; publishing uses them up."""

    def __init__(self, people: People, dice: random.Random, photos: Mapping[int, list[str]]) -> None:
        self._people, self._model, self._dice, self._photos = people, people.model, dice, photos
        self._size = len(people.accounts)
        self._opened: set[int] = set()

    async def relate(self) -> None:
        """Follows, requests, blocks and mutes, in sequence: they depend on each other."""
        for _ in range(_RELATIONS):
            one, other = self._dice.sample(range(self._size), 2)
            await self._relate(self._dice.choice(_VERBS), one, other)

    async def _relate(self, verb: str, one: int, other: int) -> None:
        model, people, path = self._model, self._people, self._people.path(other)
        match verb:
            case "follow":
                response = await people.call(one, "PUT", f"{path}/follow")
                expected = 404 if model.blocked(one, other) else 200
                assert response.status_code == expected, response.text
                model.follow(one, other)
            case "unfollow" if not model.blocked(one, other):
                await people.do(one, "DELETE", f"{path}/follow")
                model.unfollow(one, other)
            case "block" if (other, one) not in model.blocks:
                await people.do(one, "PUT", f"{path}/block")
                model.block(one, other)
            case "unblock" if (one, other) in model.blocks:
                await people.do(one, "DELETE", f"{path}/block")
                model.blocks.discard((one, other))
            case "mute" if not model.blocked(one, other):
                await people.do(one, "PUT", f"{path}/mute")
                model.mutes.add((one, other))
            case "unmute" if not model.blocked(one, other):
                await people.do(one, "DELETE", f"{path}/mute")
                model.mutes.discard((one, other))
            case "approve" if (other, one) in model.requests:
                await people.do(one, "PUT", f"/v1/me/follow-requests/{people.accounts[other].id}")
                model.requests.discard((other, one))
                model.follows.add((other, one))
            case "deny" if (other, one) in model.requests:
                await people.do(one, "DELETE", f"/v1/me/follow-requests/{people.accounts[other].id}")
                model.requests.discard((other, one))

    async def change_privacy(self) -> None:
        """A public account becomes private, or the other way round.

        One that has just become public stays so until `agreed`: requests are approved when social-graph learns of it,
        and only if the account is still public then.
        """
        if len(self._opened) == self._size:
            return
        account = self._dice.choice([number for number in range(self._size) if number not in self._opened])
        private = account not in self._model.private
        await self._people.do(account, "PATCH", "/v1/me", json={"private": private})
        if private:
            self._model.private.add(account)
        else:
            self._model.make_public(account)
            self._opened.add(account)

    def agreed(self) -> None:
        """Mesh and model agree: every event has arrived."""
        self._opened.clear()

    async def publish(self) -> None:
        """Several accounts post at once; then sometimes one deletes a post."""
        authors = [account for account in self._dice.sample(range(self._size), 3) if self._photos[account]]
        await asyncio.gather(*(self._publish(author) for author in authors))
        if len(self._model.posts) > 3 and (len(self._model.posts) > _MANY or self._dice.random() < 0.5):
            post_id = self._dice.choice(sorted(self._model.posts))
            await self._people.do(self._model.posts[post_id].author, "DELETE", f"/v1/posts/{post_id}")
            del self._model.posts[post_id]

    async def _publish(self, author: int) -> None:
        body = {"photo_ids": [self._photos[author].pop()], "caption": f"by {author}"}
        post = await self._people.create(author, "/v1/posts", body)
        if post["status"] != "published":  # its tables may be behind after an outage; it publishes itself
            await self._people.published(author, post["id"])
        self._model.add_post(post["id"], author)

    async def engage(self) -> None:
        """All like, unlike and comment at once."""
        dice = [random.Random(self._dice.random()) for _ in range(self._size)]
        await asyncio.gather(*(self._engage(account, dice[account]) for account in range(self._size)))

    async def _engage(self, account: int, dice: random.Random) -> None:
        for post_id in sorted(self._model.posts):
            post = self._model.posts[post_id]
            path = f"/v1/posts/{post_id}"
            if not self._model.sees(account, post.author):
                response = await self._people.call(account, "PUT", f"{path}/like")
                assert response.status_code == 404, response.text
                continue
            if dice.random() < 0.5:
                await self._people.do(account, "PUT", f"{path}/like")
                post.likes.add(account)
            elif dice.random() < 0.5:
                await self._people.do(account, "DELETE", f"{path}/like")
                post.likes.discard(account)
            if dice.random() < 0.2:
                comment = await self._people.create(account, f"{path}/comments", {"text": f"by {account}"})
                post.comments[comment["id"]] = account
            own = [comment_id for comment_id, author in post.comments.items() if author == account]
            if own and dice.random() < 0.2:
                await self._people.do(account, "DELETE", f"/v1/comments/{own[0]}")
                del post.comments[own[0]]
