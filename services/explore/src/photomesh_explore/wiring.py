"""The composition root of the service's processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from photomesh_explore.candidates.erasure import AccountEraser
from photomesh_explore.candidates.event_handlers import CandidateEventHandlers
from photomesh_explore.candidates.scoring import Scorer
from photomesh_explore.clients import PostClient
from photomesh_explore.discovery.queries import DiscoveryQueries
from photomesh_explore.errors import ExploreUnavailable
from photomesh_explore.feedback.event_log import FeedbackEventLog
from photomesh_explore.feedback.exports import ExportQueries
from photomesh_explore.feedback.service import FeedbackService
from photomesh_explore.metrics import INDEX_READY
from photomesh_explore.pages.service import ExploreService
from photomesh_explore.pages.sources import Candidates
from photomesh_explore.pages.suggestions import SuggestionService
from photomesh_explore.settings import ConsumerSettings, Settings
from photomesh_explore.store.connection import open_redis
from photomesh_explore.store.feedback import FeedbackStore
from photomesh_explore.store.index import ExploreIndex
from photomesh_explore.store.pages import PageStore
from photomesh_explore.store.reader import CandidateReader
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer.rebuilding import IndexRebuilder, events_of
from photomesh_shared.events import (
    AccountDeleted,
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
    Envelope,
    Event,
    ExploreFeedbackGiven,
    ExploreFeedbackRemoved,
    FollowCreated,
    FollowDeleted,
    MuteCreated,
    MuteDeleted,
    PostDeleted,
    PostEdited,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.kafka.handling import Handler
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["ConsumerDeps", "Deps", "open_consumer_deps", "open_deps"]


@dataclass(frozen=True)
class Deps:
    """What routes and middleware use."""

    explore: ExploreService
    suggestions: SuggestionService
    feedback: FeedbackService
    discovery: DiscoveryQueries
    exports: ExportQueries
    cursors: CursorCodec
    token_verifier: TokenVerifier


@dataclass(frozen=True)
class ConsumerDeps:
    handlers: Mapping[type[Event], Handler]
    eraser: AccountEraser
    publisher: KafkaPublisher


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Redis and Kafka when they are needed: without one of them the answer is a 503, and taking the pod
    away would not help."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "explore"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        session = await stack.enter_async_context(open_session())

        reader = CandidateReader(redis)
        post = PostClient(
            ServiceClient(
                session, "post", settings.post_url, caller=settings, unavailable=ExploreUnavailable, clock=clock
            )
        )
        store = FeedbackStore(redis, clock)
        feedback = FeedbackService(store, FeedbackEventLog(store, publisher, clock), reader, clock)
        candidates, pages = Candidates(reader), PageStore(redis, clock)
        yield Deps(
            explore=ExploreService(candidates, pages, post, feedback, clock),
            suggestions=SuggestionService(candidates, reader, pages, post, feedback, clock),
            feedback=feedback,
            discovery=DiscoveryQueries(reader, post, feedback, clock),
            exports=ExportQueries(store),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
        )


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to Redis and Kafka; scores, and watches over Redis, in the background of the context."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "explore-consumer"))

        index, store = ExploreIndex(redis, clock), FeedbackStore(redis, clock)
        log = FeedbackEventLog(store, publisher, clock)
        feedback = FeedbackService(store, log, CandidateReader(redis), clock)
        events = CandidateEventHandlers(index, clock)
        of_candidates: dict[type[Event], Handler] = {
            PostPublished: events.post_changed,
            PostEdited: events.post_changed,
            PostDeleted: events.post_deleted,
            AccountRegistered: events.account_changed,
            AccountUpdated: events.account_changed,
            AccountDeleted: events.account_changed,
            PostLiked: events.post_engaged,
            PostUnliked: events.post_engaged,
            PostSaved: events.post_saved,
            PostUnsaved: events.post_saved,
            FollowCreated: events.follow_changed,
            FollowDeleted: events.follow_changed,
            MuteCreated: events.mute_changed,
            MuteDeleted: events.mute_changed,
        }
        of_feedback: dict[type[Event], Handler] = {ExploreFeedbackGiven: log.apply, ExploreFeedbackRemoved: log.apply}

        async def mark_erased(envelope: Envelope[AccountErasureRequested]) -> None:
            await index.mark_erased(envelope.data.user_id)

        handlers = {**of_candidates, **of_feedback}  # the scripts skip what is about erased accounts
        rebuilder = IndexRebuilder(
            index,
            events_of(settings),
            # What was erased is known before all else.
            [{AccountErasureRequested: mark_erased}, handlers],
            clock,
            ready=INDEX_READY,
        )
        scorer = Scorer(index, clock, interval_seconds=settings.score_seconds)
        await stack.enter_async_context(in_background("rebuilder", rebuilder.run, clock))
        await stack.enter_async_context(in_background("scorer", scorer.run, clock))
        yield ConsumerDeps(handlers, AccountEraser(index, feedback.remove_all, clock), publisher)
