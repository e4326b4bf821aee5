"""Use cases of endpoints: make, list, change, delete, replace the secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import CreationId
from photomesh_shared.outbound.guard import OutboundPolicy, Refused, check_url
from photomesh_shared.tokens.errors import RoleRequired
from photomesh_shared.tokens.roles import Role, has_role
from photomesh_webhook.endpoints.domain import OLD_SECRET_LIVES, Audience, Edit, Endpoint, Ordering, State
from photomesh_webhook.endpoints.event_types import unknown_patterns
from photomesh_webhook.endpoints.secrets import SecretBox, new_secret
from photomesh_webhook.errors import UnknownEventTypes, WebhookNotFound, WebhookUrlRefused

__all__ = ["AuditLog", "Change", "EndpointService", "EndpointStore", "NewEndpoint", "Owner", "require_operator"]

Change = Callable[[Endpoint], Endpoint]
"""Returns the endpoint as it shall be; raises to refuse."""


@dataclass(frozen=True)
class Owner:
    """Who asks: the account, and its roles of staff."""

    account_id: int
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NewEndpoint:
    url: str
    types: tuple[str, ...]
    audience: Audience
    ordering: Ordering
    description: str


class EndpointStore(Protocol):
    """See `endpoints.store.PostgresEndpoints`. Every method raises DatabaseUnavailable."""

    async def create(self, endpoint: Endpoint, sealed: bytes, *, limit: int) -> tuple[Endpoint, bytes | None]: ...
    async def get(self, account_id: int, endpoint_id: int) -> Endpoint | None: ...
    async def list_of(self, account_id: int) -> Sequence[Endpoint]: ...
    async def change(self, account_id: int, endpoint_id: int, change: Change, now: datetime) -> Endpoint | None: ...
    async def add_secret(
        self, account_id: int, endpoint_id: int, change: Change, sealed: bytes, now: datetime, old_until: datetime
    ) -> Endpoint | None: ...
    async def delete(self, account_id: int, endpoint_id: int, now: datetime) -> bool: ...


class AuditLog(Protocol):
    """Of staff. An action is written before it happens: what is not written does not happen. Every method raises
    RoleRequired if the account is no administrator any more, whatever its token says, and ServiceUnavailable."""

    async def created(self, staff_id: int, endpoint_id: int) -> None: ...
    async def changed(self, staff_id: int, endpoint_id: int) -> None: ...


def require_operator(audience: Audience, owner: Owner) -> None:
    """Raises RoleRequired if the endpoint gets everybody's events and the owner is no administrator."""
    if audience is Audience.EVERYONE and not has_role(owner.roles, Role.ADMINISTRATOR):
        raise RoleRequired(required_role=str(Role.ADMINISTRATOR))


class EndpointService:
    def __init__(
        self,
        store: EndpointStore,
        audit_log: AuditLog,
        secrets: SecretBox,
        policy: OutboundPolicy,
        clock: Clock,
        *,
        max_endpoints: int,
    ) -> None:
        self._audit_log = audit_log
        self._store = store
        self._secrets = secrets
        self._policy = policy
        self._clock = clock
        self._max_endpoints = max_endpoints

    async def create(self, creation: CreationId, owner: Owner, new: NewEndpoint) -> tuple[Endpoint, str | None]:
        """Return the endpoint with its secret, which nobody sees again. A repeated request gets both again, unless the
        secret was replaced since.

        Raises RoleRequired, WebhookUrlRefused, UnknownEventTypes, TooManyWebhooks, and AccountNotFound for an account
        that was erased.
        """
        require_operator(new.audience, owner)
        self._check_url(new.url)
        _check_types(new.types, new.audience)
        if new.audience is Audience.EVERYONE:
            await self._audit_log.created(owner.account_id, creation.id)
        now = self._clock.now()
        endpoint = Endpoint(
            id=creation.id,
            account_id=owner.account_id,
            audience=new.audience,
            url=new.url,
            types=new.types,
            ordering=new.ordering,
            description=new.description,
            state=State.ENABLED,
            disabled_reason=None,
            version=version_at(now),
            created_at=now,
            updated_at=now,
        )
        sealed = self._secrets.seal(endpoint.id, new_secret())
        stored, first = await self._store.create(endpoint, sealed, limit=self._max_endpoints)
        return stored, self._secrets.text(self._secrets.open(stored.id, first)) if first else None

    async def get(self, owner: Owner, endpoint_id: int) -> Endpoint:
        """Raises WebhookNotFound."""
        return _found(await self._store.get(owner.account_id, endpoint_id))

    async def list_endpoints(self, owner: Owner) -> Sequence[Endpoint]:
        """All endpoints of the account, the oldest first."""
        return await self._store.list_of(owner.account_id)

    async def edit(
        self, owner: Owner, endpoint_id: int, edit: Edit, precondition: Callable[[Endpoint], None]
    ) -> Endpoint:
        """Raises WebhookNotFound, RoleRequired, WebhookUrlRefused, UnknownEventTypes, and as `precondition`."""
        if edit.url is not None:
            self._check_url(edit.url)
        await self._audit(owner, endpoint_id)
        now = self._clock.now()

        def change(endpoint: Endpoint) -> Endpoint:
            require_operator(endpoint.audience, owner)
            precondition(endpoint)
            if edit.types is not None:
                _check_types(edit.types, endpoint.audience)
            return endpoint.edited(edit, now)

        return _found(await self._store.change(owner.account_id, endpoint_id, change, now))

    async def rotate_secret(self, owner: Owner, endpoint_id: int) -> tuple[Endpoint, str]:
        """Return the endpoint with another secret. The one before lives for a day more; older ones end at once. Raises
        WebhookNotFound and RoleRequired."""
        await self._audit(owner, endpoint_id)
        now, secret = self._clock.now(), new_secret()

        def change(endpoint: Endpoint) -> Endpoint:
            require_operator(endpoint.audience, owner)
            return endpoint.touched(now)

        sealed = self._secrets.seal(endpoint_id, secret)
        endpoint = await self._store.add_secret(
            owner.account_id, endpoint_id, change, sealed, now, now + OLD_SECRET_LIVES
        )
        return _found(endpoint), self._secrets.text(secret)

    async def delete(self, owner: Owner, endpoint_id: int) -> None:
        """Idempotent: an unknown one is gone already."""
        await self._store.delete(owner.account_id, endpoint_id, self._clock.now())

    async def _audit(self, owner: Owner, endpoint_id: int) -> None:
        """What is about to change. The audience of an endpoint never does."""
        endpoint = await self.get(owner, endpoint_id)
        require_operator(endpoint.audience, owner)
        if endpoint.audience is Audience.EVERYONE:
            await self._audit_log.changed(owner.account_id, endpoint_id)

    def _check_url(self, url: str) -> None:
        try:
            check_url(url, self._policy)
        except Refused as error:
            raise WebhookUrlRefused(str(error)) from error


def _check_types(types: Sequence[str], audience: Audience) -> None:
    unknown = set(unknown_patterns(types, audience))
    if unknown:
        raise UnknownEventTypes(
            errors=[
                FieldError(f"/types/{position}", "This is not offered.")
                for position, pattern in enumerate(types)
                if pattern in unknown
            ]
        )


def _found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise WebhookNotFound
    return endpoint
