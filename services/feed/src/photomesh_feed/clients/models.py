"""Polls object storage for models of the ranking.

Nothing here keeps feed from starting or serving: without storage, a pointer or a model that can be read, the ranker
keeps what it has, or the weights.
"""

from __future__ import annotations

import asyncio
import logging

from pydantic import ValidationError

from photomesh_feed.ranking.learnt import LearntRanker, LoadedModels
from photomesh_feed.ranking.metrics import CALIBRATION, MODEL_TRAINED, REFUSED, REVIEWED, SHARE
from photomesh_shared.clock import Clock
from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.ranking.models import MAX_MODEL_BYTES, Model, RefusedModel, load_model
from photomesh_shared.ranking.rollout import MAX_POINTER_BYTES, Pointer, model_key, pointer_key, trained_at
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectReplaced, ObjectStorage, ObjectTooLarge

__all__ = ["ModelPoller"]

log = logging.getLogger(__name__)

_POLL_SECONDS = 30.0


class ModelPoller:
    def __init__(self, storage: ObjectStorage, bucket: str, ranker: LearntRanker, clock: Clock) -> None:
        self._storage = storage
        self._bucket = bucket
        self._ranker = ranker
        self._clock = clock
        self._body: bytes | None = None
        self._models: dict[str, Model] = {}
        self._refused: set[str] = set()
        self._complete = False

    async def poll_forever(self) -> None:
        while True:
            await self.poll()
            await self._clock.sleep(_POLL_SECONDS)

    async def poll(self) -> None:
        """Take over what the pointer says. A model that is refused is not read again, until the pointer changes; one
        that could not be read is tried again."""
        try:
            body = await self._pointer()
        except ObjectStorageUnavailable as error:
            log.info("models cannot be looked for", extra={"reason": error.detail})
            return
        if body == self._body and self._complete:
            return
        try:
            pointer = Pointer.model_validate_json(body) if body else None
        except ValidationError:
            if body != self._body:
                REFUSED.labels("pointer").inc()
                log.exception("the pointer to models is broken; what ranks stays")
            self._body, self._complete = body, True
            return
        if body != self._body:
            self._refused.clear()
        self._body, self._complete = body, True
        names = [name for name in (pointer.candidate, pointer.base) if name] if pointer else []
        self._models = {name: model for name, model in self._models.items() if name in names}
        for name in names:
            if name not in self._models and name not in self._refused:
                await self._load(name)
        self._take_over(pointer)

    def _take_over(self, pointer: Pointer | None) -> None:
        candidate = self._models.get(pointer.candidate) if pointer and pointer.candidate else None
        base = self._models.get(pointer.base) if pointer and pointer.base else None
        self._ranker.use(LoadedModels(pointer, candidate, base))
        SHARE.set(pointer.share if pointer and candidate else 0)
        for slot, name in (("candidate", pointer and pointer.candidate), ("base", pointer and pointer.base)):
            MODEL_TRAINED.labels(slot).set(trained_at(name).timestamp() if name else 0)
        REVIEWED.set(pointer.status.reviewed_at.timestamp() if pointer else 0)
        CALIBRATION.clear()
        for head, ratio in (pointer.status.calibration if pointer else {}).items():
            CALIBRATION.labels(head).set(ratio)
        log.info("models of the ranking", extra={"loaded": sorted(self._models), "pointer": bool(pointer)})

    async def _pointer(self) -> bytes:
        """Return the pointer; nothing if there is none. Raises ObjectStorageUnavailable."""
        try:
            return bytes(await self._storage.get(self._bucket, pointer_key(), max_bytes=MAX_POINTER_BYTES))
        except (NoSuchObject, ObjectReplaced):
            return b""
        except ObjectTooLarge:
            return b"too large"

    async def _load(self, name: str) -> None:
        try:
            body = await self._storage.get(self._bucket, model_key(name, "model.json"), max_bytes=MAX_MODEL_BYTES)
            # Parsing takes some ten milliseconds: not of the loop that serves pages.
            self._models[name] = await asyncio.to_thread(load_model, bytes(body), name.rpartition("-")[2])
        except RefusedModel as error:
            self._refuse(name, error.reason, str(error))
        except ObjectTooLarge as error:
            self._refuse(name, "size", str(error))
        except (NoSuchObject, ObjectReplaced):
            self._refuse(name, "missing", "")
        except ObjectStorageUnavailable as error:
            self._complete = False
            log.info("a model cannot be read yet", extra={"model": name, "reason": error.detail})

    def _refuse(self, name: str, reason: str, detail: str) -> None:
        self._refused.add(name)
        REFUSED.labels(reason).inc()
        log.error("a model was refused", extra={"model": name, "reason": detail or reason})
