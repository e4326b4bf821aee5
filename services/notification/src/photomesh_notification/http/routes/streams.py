"""The live stream of notifications, and tickets for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Query, Response

from photomesh_notification.errors import InvalidStreamTicket, NotificationsUnavailable, StreamsFull, TooManyStreams
from photomesh_notification.http.schemas.streams import EXAMPLE, StreamTicket
from photomesh_notification.store.streams import TICKET_SECONDS
from photomesh_notification.stream_wiring import StreamDeps
from photomesh_shared.auth import MaybeViewer, Viewer
from photomesh_shared.errors import MissingToken
from photomesh_shared.http import ApiRouter, Auth, RateClass, app_deps
from photomesh_shared.http.event_stream import EventStreamResponse

__all__ = ["router"]

Dependencies = Annotated[StreamDeps, Depends(app_deps)]

router = ApiRouter(tags=["notifications"])


@router.get(
    "/v1/notifications/stream",
    auth=Auth.OPTIONAL,
    rate=RateClass.STREAM,
    problems=[MissingToken, InvalidStreamTicket, TooManyStreams, StreamsFull, NotificationsUnavailable],
    summary="Stream your notifications",
    status_code=200,
    response_class=EventStreamResponse,
    responses={
        200: {
            "description": "Events, for as long as you listen.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "examples": {"example": EXAMPLE}}},
        }
    },
)
async def stream_notifications(
    viewer: MaybeViewer,
    deps: Dependencies,
    ticket: Annotated[
        str | None,
        Query(max_length=64, description="Instead of a token, of `POST /v1/notifications/stream-tickets`."),
    ] = None,
    last_event_id: Annotated[
        str | None, Query(max_length=64, description="As the header `Last-Event-ID`, which precedes it.")
    ] = None,
    last_event_id_header: Annotated[
        str | None,
        Header(alias="Last-Event-ID", max_length=64, description="The `id` of the last event that you received."),
    ] = None,
) -> EventStreamResponse:
    """Server-Sent Events. First `ready`, whose `id` is where you are; then, at most once a second:

    - `notification`: the notification with this `id` is new or changed; the list has it.
    - `removed`: the notification with this `id` is gone.
    - `reset`: something was lost on the way; read the list again.
    - `reauth`: your token expired, and the stream ends. Connect again with a new one.

    Connect again whenever the stream ends, after `retry` milliseconds, with the `id` of your last event: what you
    missed is sent, up to 200 changes within a day; otherwise the first event is `reset`. A comment is sent after 15
    seconds of silence. Who does not read is disconnected. An account may have five streams open: share one between
    windows.

    Browsers' `EventSource` sends no `Authorization`: it needs a ticket, a new one for each connection."""
    if viewer is not None:
        account_id, expires_at = viewer.account_id, viewer.expires_at
    elif ticket is None:
        raise MissingToken
    elif (redeemed := await deps.tickets.redeem(ticket)) is None:
        raise InvalidStreamTicket
    else:
        account_id, expires_at = redeemed
    expires_in = max(0.0, (expires_at - deps.clock.now()).total_seconds())
    return EventStreamResponse(await deps.hub.open(account_id, last_event_id_header or last_event_id, expires_in))


@router.post(
    "/v1/notifications/stream-tickets",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=201,
    problems=[NotificationsUnavailable],
    summary="Get a ticket for a stream",
)
async def create_stream_ticket(viewer: Viewer, response: Response, deps: Dependencies) -> StreamTicket:
    """For `EventSource`: `GET /v1/notifications/stream?ticket=…` within 30 seconds, once. The stream ends when the
    token expires with which you got the ticket."""
    response.headers["Cache-Control"] = "no-store"
    ticket = await deps.tickets.issue(viewer.account_id, viewer.expires_at)
    return StreamTicket(ticket=ticket, expires_in=TICKET_SECONDS)
