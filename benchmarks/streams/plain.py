"""``python -m benchmarks.streams.plain <port> <Redis URL>``: streams by `fastapi.sse`, as it is documented."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from redis.asyncio import Redis

from benchmarks.streams.clients import CHANNEL

_listeners: dict[str, asyncio.Queue[str]] = {}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with Redis.from_url(sys.argv[2]) as redis, redis.pubsub() as pubsub:
        await pubsub.psubscribe(f"{CHANNEL}*")

        async def read() -> None:
            async for message in pubsub.listen():
                if message["type"] == "pmessage":
                    _listeners[message["channel"].decode().removeprefix(CHANNEL)].put_nowait(message["data"].decode())

        task = asyncio.create_task(read())
        yield
        task.cancel()


app = FastAPI(lifespan=_lifespan)


@app.get("/stream/{account}", response_class=EventSourceResponse)
async def stream(account: str) -> AsyncIterator[ServerSentEvent]:
    queue = _listeners[account] = asyncio.Queue()
    yield ServerSentEvent(raw_data="{}", event="ready")
    number = 0
    while True:
        number += 1
        yield ServerSentEvent(raw_data=await queue.get(), event="notification", id=str(number))


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", log_level="warning", access_log=False)
