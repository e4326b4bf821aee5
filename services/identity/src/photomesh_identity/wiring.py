"""Composition root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from photomesh_identity import exports
from photomesh_identity.accounts.avatars import AvatarCopier
from photomesh_identity.accounts.service import AccountService
from photomesh_identity.accounts.store import PostgresAccounts
from photomesh_identity.addresses.service import AddressService
from photomesh_identity.addresses.store import PostgresAddresses
from photomesh_identity.attempts.domain import AttemptLimits, AttemptNames
from photomesh_identity.attempts.service import AttemptGuard
from photomesh_identity.attempts.store import PostgresAttempts
from photomesh_identity.clients import HidingClient, PhotoClient, PostCountClient, PrivacyClient, SocialGraphClient
from photomesh_identity.consents.service import ConsentService
from photomesh_identity.consents.store import PostgresConsents
from photomesh_identity.credentials.breached import BreachedPasswords
from photomesh_identity.credentials.confirmation import Confirmation
from photomesh_identity.credentials.hasher import Argon2Hasher
from photomesh_identity.credentials.rules import PasswordRules
from photomesh_identity.credentials.store import PostgresAllowances, PostgresPasswords
from photomesh_identity.credentials.tokens import KeyedHash
from photomesh_identity.errors import HidingPending, PhotosUnavailable, PrivacyPending, RelationsUnavailable
from photomesh_identity.leaving.coordinator import ErasureCoordinator
from photomesh_identity.leaving.erasure_store import PostgresErasures
from photomesh_identity.leaving.service import LeavingService
from photomesh_identity.leaving.store import PostgresLeaving
from photomesh_identity.mail.clients import SmtpServer
from photomesh_identity.mail.service import AccountNotices, MailRelay
from photomesh_identity.mail.store import PostgresMailQueue
from photomesh_identity.passkeys.domain import Challenges
from photomesh_identity.passkeys.service import PasskeyService
from photomesh_identity.passkeys.store import PostgresPasskeys
from photomesh_identity.passkeys.verification import RelyingParty
from photomesh_identity.passwords.service import PasswordResets, PasswordService
from photomesh_identity.passwords.store import PostgresPasswordStore
from photomesh_identity.personal_tokens.service import PersonalTokenService
from photomesh_identity.personal_tokens.store import PostgresPersonalTokens
from photomesh_identity.profiles.queries import ProfileQueries
from photomesh_identity.registration.service import RegistrationService
from photomesh_identity.registration.store import PostgresRegistrations
from photomesh_identity.second_factors.service import CIPHER_PURPOSE, SecondFactorService
from photomesh_identity.second_factors.store import PostgresSecondFactors
from photomesh_identity.sessions.domain import SessionLimits
from photomesh_identity.sessions.service import SessionService
from photomesh_identity.sessions.store import PostgresSessions
from photomesh_identity.sessions.sweeper import SessionSweeper
from photomesh_identity.settings import Settings
from photomesh_identity.signing_keys.domain import KeyCipher, with_first_key
from photomesh_identity.signing_keys.service import KeyRing, TokenPolicy
from photomesh_identity.signing_keys.store import PostgresSigningKeys
from photomesh_identity.staff.service import StaffService
from photomesh_identity.staff.store import PostgresStaff
from photomesh_identity.usernames.store import PostgresUsernames
from photomesh_shared.at_rest import AtRestCipher
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.concurrency.repeats import Repeats
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.http.idempotency import IdempotencyStore
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.stores.idempotency_keys import PostgresKeys
from photomesh_shared.stores.object_storage import open_storage
from photomesh_shared.stores.outbox import OutboxRelay
from photomesh_shared.stores.postgres import open_pool, open_probe
from photomesh_shared.stores.record_pages import PostgresRecords
from photomesh_shared.stores.worker_lease import lease_ids
from photomesh_shared.tokens.access import TokenVerifier

__all__ = ["Deps", "open_deps"]

_PROFILE_SECONDS = 1.0  # both services answer within milliseconds; a profile is not worth a longer wait
_PHOTO_SECONDS = 5.0
_PRIVACY_SECONDS = 3.0


@dataclass(frozen=True)
class Deps:
    registration: RegistrationService
    accounts: AccountService
    profiles: ProfileQueries
    sessions: SessionService
    leaving: LeavingService
    erasures: PostgresErasures
    second_factors: SecondFactorService
    passkeys: PasskeyService
    personal_tokens: PersonalTokenService
    confirmation: Confirmation
    passwords: PasswordService
    password_resets: PasswordResets
    addresses: AddressService
    consents: ConsentService
    keys: KeyRing
    records: PostgresRecords
    token_verifier: TokenVerifier
    idempotency: IdempotencyStore
    staff: StaffService
    notices: AccountNotices
    cursors: CursorCodec
    cdn_url: str


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to the servers, and starts the outbox relay and the reloading of signing keys."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url.get_secret_value()))
        ids = await stack.enter_async_context(lease_ids(redis, settings.region_number, clock))
        storage = await stack.enter_async_context(open_storage(settings))
        publisher = await stack.enter_async_context(open_publisher(settings, "identity"))
        session = await stack.enter_async_context(open_session())
        passwords = Argon2Hasher(
            memory_kib=settings.argon2_memory_kib,
            time_cost=settings.argon2_time_cost,
            lanes=settings.argon2_lanes,
            threads=settings.password_threads,
            queue=settings.password_queue,
        )
        stack.callback(passwords.close)

        keys = await _open_keys(settings, PostgresSigningKeys(pool), clock)
        await stack.enter_async_context(
            in_background("signing-keys", lambda: keys.keep_current(settings.key_reload_seconds))
        )
        await stack.enter_async_context(in_background("outbox-relay", OutboxRelay(pool, publisher, clock).run))
        mails = MailRelay(
            PostgresMailQueue(pool),
            SmtpServer(settings.smtp_url.get_secret_value()),
            clock,
            sender=settings.mail_sender,
        )
        await stack.enter_async_context(in_background("mail-relay", mails.run))
        # Only what no request can do without: log-ins need no Redis, and profiles no other service.
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)

        photos = PhotoClient(
            ServiceClient(
                session, "post", settings.post_url, timeout=_PHOTO_SECONDS, unavailable=PhotosUnavailable, clock=clock
            )
        )
        social_graph = SocialGraphClient(
            ServiceClient(
                session,
                "social-graph",
                settings.social_graph_url,
                caller=settings,
                timeout=_PROFILE_SECONDS,
                unavailable=RelationsUnavailable,
                clock=clock,
            )
        )
        post_counts = PostCountClient(
            ServiceClient(session, "post", settings.post_url, caller=settings, timeout=_PROFILE_SECONDS, clock=clock)
        )
        repeats = Repeats(clock)
        await stack.enter_async_context(in_background("restrictions", repeats.run))
        privacy = PrivacyClient(
            *(
                ServiceClient(
                    session,
                    name,
                    url,
                    caller=settings,
                    timeout=_PRIVACY_SECONDS,
                    unavailable=PrivacyPending,
                    clock=clock,
                )
                for name, url in (("social-graph", settings.social_graph_url), ("post", settings.post_url))
            ),
            repeats=repeats,
            cdn_url=settings.cdn_url,
        )
        hiding = HidingClient(
            *(
                ServiceClient(
                    session,
                    name,
                    url,
                    caller=settings,
                    timeout=_PRIVACY_SECONDS,
                    unavailable=HidingPending,
                    clock=clock,
                )
                for name, url in (
                    ("social-graph", settings.social_graph_url),
                    ("post", settings.post_url),
                    ("feed", settings.feed_url),
                )
            ),
            repeats=repeats,
            cdn_url=settings.cdn_url,
        )
        limits = SessionLimits(
            idle=timedelta(seconds=settings.refresh_idle_seconds),
            total=timedelta(seconds=settings.refresh_total_seconds),
            grace=timedelta(seconds=settings.refresh_grace_seconds),
            per_account=settings.max_sessions,
        )
        secret = settings.key_encryption_secret
        guard = AttemptGuard(
            PostgresAttempts(pool),
            AttemptLimits(settings.failures_account, settings.failures_address),
            AttemptNames(secret.accepted[0]),
            clock,
        )
        await stack.enter_async_context(in_background("attempt-sweep", guard.keep_swept))
        second_factors = SecondFactorService(
            PostgresSecondFactors(pool), AtRestCipher(CIPHER_PURPOSE, *secret.accepted), guard, clock
        )
        avatars = AvatarCopier(photos, storage, cdn_url=settings.cdn_url, bucket=settings.variants_bucket)
        keyed_hash = KeyedHash(settings.hash_secret.accepted)
        usernames = PostgresUsernames(pool, keyed_hash, clock, cdn_url=settings.cdn_url)
        accounts = AccountService(PostgresAccounts(pool), usernames, avatars, privacy, clock, cdn_url=settings.cdn_url)
        allowances = PostgresAllowances(pool)
        confirmation = Confirmation(PostgresPasswords(pool), passwords, allowances, second_factors, clock)
        leaving = LeavingService(
            PostgresLeaving(pool, cdn_url=settings.cdn_url, app_url=settings.app_url),
            confirmation,
            hiding,
            clock,
            grace=timedelta(days=settings.erasure_grace_days),
        )
        erasures = PostgresErasures(pool, keyed_hash)
        coordinator = ErasureCoordinator(
            erasures,
            keys,
            clock,
            interval_seconds=settings.erasure_interval_seconds,
            repeat_seconds=settings.erasure_repeat_seconds,
        )
        await stack.enter_async_context(in_background("erasures", coordinator.run))
        staff = StaffService(PostgresStaff(pool), clock)
        await stack.enter_async_context(in_background("audit-log-sweep", staff.keep_swept))
        sessions = SessionService(
            PostgresSessions(pool), passwords, keys, guard, second_factors, limits, leaving, staff, clock
        )
        await stack.enter_async_context(
            in_background("session-sweep", SessionSweeper(PostgresSessions(pool), clock).keep_swept)
        )
        addresses = AddressService(
            PostgresAddresses(pool, clock, app_url=settings.app_url, cdn_url=settings.cdn_url),
            confirmation,
            allowances,
            keyed_hash,
            clock,
        )
        more_breached = settings.breached_passwords_file
        rules = PasswordRules(BreachedPasswords(more_breached) if more_breached else frozenset())
        stored_passwords = PostgresPasswordStore(pool, app_url=settings.app_url)
        password_resets = PasswordResets(stored_passwords, accounts, passwords, rules, allowances, keyed_hash, clock)
        await stack.enter_async_context(in_background("password-resets", password_resets.run))
        yield Deps(
            registration=RegistrationService(
                PostgresRegistrations(pool, keyed_hash, app_url=settings.app_url),
                accounts,
                passwords,
                rules,
                sessions,
                addresses,
                clock,
                cdn_url=settings.cdn_url,
            ),
            accounts=accounts,
            profiles=ProfileQueries(accounts, social_graph, post_counts),
            sessions=sessions,
            leaving=leaving,
            erasures=erasures,
            second_factors=second_factors,
            passkeys=PasskeyService(
                PostgresPasskeys(pool),
                RelyingParty(settings.passkey_rp_id, "Photomesh", settings.passkey_origins),
                Challenges(secret.accepted[0]),
                clock,
            ),
            personal_tokens=PersonalTokenService(PostgresPersonalTokens(pool), keys, clock),
            confirmation=confirmation,
            passwords=PasswordService(stored_passwords, accounts, passwords, rules, confirmation, clock),
            password_resets=password_resets,
            addresses=addresses,
            consents=ConsentService(PostgresConsents(pool), allowances, clock),
            keys=keys,
            records=PostgresRecords(pool, exports.RECORDS),
            token_verifier=TokenVerifier(
                keys.jwks, issuer=settings.token_issuer, audience=settings.token_audience, clock=clock
            ),
            idempotency=IdempotencyStore(redis, PostgresKeys(pool), settings.idempotency_secret.accepted[0], ids),
            staff=staff,
            notices=AccountNotices(PostgresMailQueue(pool), clock),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            cdn_url=settings.cdn_url,
        )


async def _open_keys(settings: Settings, store: PostgresSigningKeys, clock: Clock) -> KeyRing:
    """Loads the key ring. The first replica ever to start makes the first key."""
    cipher = KeyCipher(*settings.key_encryption_secret.accepted)
    await store.update(lambda keys: with_first_key(keys, cipher, clock.now()))
    policy = TokenPolicy(
        settings.token_issuer, settings.token_audience, timedelta(seconds=settings.access_token_seconds)
    )
    keys = KeyRing(store, cipher, policy, clock)
    await keys.load()
    return keys
