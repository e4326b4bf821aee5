"""What an export covers: which section has the personal columns of each store, and which are left out, and why.

`tests/contract/test_export_coverage.py` compares it with the inventory of personal data (the `personal.toml` of each
deployable): a change that adds a personal column declares here where its owner gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["LEFT_OUT", "STORES", "TOPICS", "Covered"]


@dataclass(frozen=True)
class Covered:
    """`columns`: those that the items of `sections` have, in words separated by blanks; "*" where items are whole rows.
    `left_out`: the others by name, or "*" for all, with the reason. Secrets are never among "*"."""

    sections: tuple[str, ...] = ()
    columns: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)


_COPY = "a copy of what another section has"
_DERIVED = "follows from what other sections have"
_HIDDEN = "a secret, or what could help to guess it"
_PASSING = "there for a moment only, and holds nothing that other sections do not have"
_OTHERS = "says what other accounts do"
_INTERNAL = "how we store it"


def _copied(why: str = _COPY) -> Covered:
    return Covered(left_out={"*": why})


STORES: Mapping[str, Covered] = {
    "identity/postgresql/accounts": Covered(
        ("profile",),
        "*",
        {"email_key": _DERIVED, "version": _INTERNAL},
    ),
    "identity/postgresql/consents": Covered(("consents",), "account_id purpose version given source decided_at"),
    "identity/postgresql/credentials": Covered(
        ("credentials",), "account_id", {"password_hash": _HIDDEN, "password_version": _INTERNAL}
    ),
    "identity/postgresql/sessions": Covered(("sessions",), "*", {"refresh_tat": _INTERNAL}),
    "identity/postgresql/totp": Covered(
        ("second_factor",), "account_id created_at confirmed_at last_step", {"sealed_secret": _HIDDEN}
    ),
    "identity/postgresql/passkeys": Covered(
        ("passkeys",),
        "id account_id name backed_up created_at used_at",
        {"credential_id": _HIDDEN, "public_key": _HIDDEN, "sign_count": _INTERNAL},
    ),
    "identity/postgresql/personal_tokens": Covered(
        ("personal_tokens",),
        "id account_id name scopes created_at expires_at used_at",
        {"token_hash": _HIDDEN},
    ),
    "identity/postgresql/staff_roles": Covered(("staff_roles",), "account_id role granted_at"),
    "identity/postgresql/staff_audit_log": Covered(
        ("staff_actions",), "account_id at action role reason", {"staff_id": _OTHERS, "webhook_id": _OTHERS}
    ),
    "identity/postgresql/refresh_tokens": Covered(
        ("sessions",),
        "session_id rotated_at",
        {"token_hash": _HIDDEN, "successor_salt": _HIDDEN, "created_at": _DERIVED},
    ),
    **{
        f"identity/postgresql/{table}": _copied(why)
        for table, why in {
            "mail_queue": "mails to your address, until they are sent",
            "allowances": "counts attempts for minutes to a month, to limit them",
            "attempts": "counts attempts for minutes, to limit them",
            "email_claims": "an address that is not proved yet, for a day",
            "password_reset_requests": _PASSING,
            "password_resets": _HIDDEN,
            "recovery_codes": _HIDDEN,
            "login_tickets": _HIDDEN,
            "used_challenges": _PASSING,
            "held_usernames": "hashes of names that you gave up, so that nobody takes them for a while",
            "erasures": "that you are leaving, which your account says",
            "erasure_acknowledgements": "what is deleted of an account that has left",
        }.items()
    },
    "social-graph/postgresql/accounts": _copied(),
    "social-graph/postgresql/pairs": Covered(
        ("follow_requests", "blocks", "mutes", "former_follows"),
        "actor_id target_id requested_at blocked_at muted_at followed_from followed_until",
    ),
    "social-graph/postgresql/follows_out": Covered(("following",), "follower_id followee_id since"),
    "social-graph/postgresql/follows_in": Covered(("followers",), "followee_id follower_id since"),
    "social-graph/postgresql/requests_in": Covered(("follow_requests",), "target_id requester_id since"),
    "social-graph/postgresql/blocks_in": _copied(_OTHERS),
    "social-graph/postgresql/close_friends": Covered(("close_friends",), "owner_id friend_id since"),
    "upload/postgresql/uploads": Covered(
        ("uploads",),
        "upload_id account_id photo_id status filename content_type size_bytes created_at expires_at closed_at",
        {
            "part_size": _INTERNAL,
            "multipart_id": _INTERNAL,
            "completing_until": _INTERNAL,
            "counted_bytes": _INTERNAL,
            "audited_at": _INTERNAL,
            "cleared": _INTERNAL,
            "announced": _INTERNAL,
        },
    ),
    "upload/postgresql/account_usage": Covered(
        ("upload_usage",), "account_id day uploads bytes", {"erased": _INTERNAL}
    ),
    "upload/postgresql/originals": Covered(
        ("originals",), "photo_id upload_id account_id content_type size_bytes etag uploaded_at"
    ),
    "post/cassandra/photos": Covered(
        ("photos",),
        "photo_id owner_id status reason uploaded_at width height placeholder variants",
        {"erased": _INTERNAL, "raw_bucket": _INTERNAL, "raw_key": _INTERNAL, "deleted": _INTERNAL},
    ),
    "post/cassandra/photo_metadata": Covered(("photos",), "photo_id camera content_type size_bytes sha256 phash"),
    "post/cassandra/photos_by_owner": _copied(),
    "post/cassandra/photo_claims": _copied(_DERIVED),
    "post/cassandra/posts": Covered(
        ("posts",),
        "post_id author_id status reason photo_ids caption hashtags mentions place alt_texts entities created_at"
        " edited_at published_at",
        {"photos": "in the section photos", "version": _INTERNAL, "deleted": _INTERNAL},
    ),
    "post/cassandra/posts_by_author": _copied(),
    "post/cassandra/months_by_author": _copied(_DERIVED),
    "post/cassandra/post_writers": _copied(_PASSING),
    "post/cassandra/accounts": _copied(),
    "post/cassandra/accounts_by_username": _copied(),
    "post/cassandra/usernames_by_account": _copied(),
    "post/cassandra/pending_erasures": _copied(_PASSING),
    "post/cassandra/ended": _copied("ids of accounts and posts that do not exist any more"),
    "post/cassandra/relations": _copied(),
    "post/cassandra/likes_by_account": Covered(
        ("likes",), "account_id subject_id version", {"month": _INTERNAL, "liked": _INTERNAL}
    ),
    "post/cassandra/likes": _copied(),
    "post/cassandra/counts": _copied(_OTHERS),
    "post/cassandra/comments": _copied(),
    "post/cassandra/comments_by_account": Covered(
        ("comments",), "account_id comment_id post_id parent_id", {"month": _INTERNAL, "deleted": _INTERNAL}
    ),
    "post/cassandra/comments_by_thread": Covered(
        ("comments",),
        "comment_id author_id body entities",
        {"thread_id": _DERIVED, "month": _INTERNAL, "deleted": _INTERNAL},
    ),
    "post/cassandra/months_by_thread": _copied(_DERIVED),
    "post/cassandra/comment_tallies": _copied(_DERIVED),
    "post/cassandra/saves": Covered(
        ("saves", "collection_posts"),
        "list_id post_id version",
        {
            "removed": "what you no longer save",
            "kept": _INTERNAL,
            "month": _INTERNAL,
            "count": _DERIVED,
            "revision": _INTERNAL,
            "counted": _DERIVED,
            "counted_version": _DERIVED,
        },
    ),
    "post/cassandra/saves_by_time": _copied(),
    "post/cassandra/months_by_list": _copied(_DERIVED),
    "post/cassandra/lists_by_post": _copied(),
    "post/cassandra/collections": Covered(
        ("collections",), "account_id collection_id name", {"posts": _DERIVED, "deleted": _INTERNAL}
    ),
    **{
        f"notification/cassandra/{table}": _copied(why)
        for table, why in {
            "notification_members": _OTHERS,
            "notification_states": _COPY,
            "notification_subjects": _DERIVED,
            "notification_relations": _COPY,
            "ended": "ids of posts, comments and accounts that do not exist any more",
        }.items()
    },
    "notification/cassandra/notification_groups": Covered(
        ("notifications",),
        "account_id group_id post_id comment_id photo_id webhook_id story_id count first_at changed_at",
        {"actors": _OTHERS, "recent": _OTHERS},
    ),
    "notification/cassandra/notification_readers": Covered(
        ("notification_settings",), "account_id preferences muted_post_ids seen_at"
    ),
    "notification/cassandra/push_subscriptions": Covered(
        ("notification_settings",),
        "account_id session_id registered_at",
        {
            "subscription_id": _DERIVED,
            "endpoint": "whoever has it can send to your device; its host is in",
            "p256dh": _HIDDEN,
            "auth": _HIDDEN,
            "quarantined_until": _INTERNAL,
        },
    ),
    "notification/redis/n:l:{account}": _copied(_DERIVED),
    **{
        f"notification/redis/n:{key}": _copied(_PASSING)
        for key in ("s:{account}", "v:{account}", "o:{account}", "t:{hash}")
    },
    **{
        f"notification/cassandra/{table}": _copied(why)
        for table, why in {
            "push_endpoints": "addresses of your devices, by which a push service is asked whose they are",
            "push_pending": _DERIVED,
            "push_stacks": _DERIVED,
            "push_schedule": _DERIVED,
        }.items()
    },
    "feed/redis/af:{account}": Covered(("ranking",), "account members"),
    "feed/redis/im:{account}": Covered(("ranking",), "account value"),
    "feed/redis/rk:{account}": Covered(("ranking",), "account name", {"head": _DERIVED}),
    "feed/redis/rk:{account}:{name}": Covered(("ranking",), "account members"),
    "feed/redis/rk:{account}:{name}:s": Covered(("ranking",), "account fields", {"values": _DERIVED}),
    "feed/redis/li:{account}": Covered(("ranking", "likes"), "account", {"fields": "a copy; ranking says how many"}),
    **{f"feed/redis/{key}:{{account}}": _copied() for key in ("sa", "fv", "fo", "mu")},
    "feed/redis/f:{account}": _copied("posts of accounts that you follow, in the order of their times"),
    "feed/redis/t:{author}": _copied(),
    "feed/redis/p:{post}": _copied(),
    "feed/redis/u:{account}": _copied(),
    "feed/redis/lk:{account}": _copied(_PASSING),
    "feed/redis/pulled": _copied("says that you have many followers"),
    "feed/redis/refilling": _copied(_PASSING),
    "feed/redis/deferred": _copied(_PASSING),
    "search/opensearch/accounts": _copied(),
    "search/opensearch/posts": _copied(),
    "gateway/redis/rl:{limit}:{account}": _copied("counts requests for minutes to a day, to limit them"),
    "gateway/redis/rl:{limit}:{address}": _copied("counts requests for minutes to a day, to limit them"),
    "upload/objects/raw: {upload}/original": Covered(
        ("originals",), left_out={"photo as it was uploaded, with its metadata": "the files in `originals` are these"}
    ),
    "media-worker/objects/variants: {photo}/{key}/{size}.jpg": _copied("made from the originals"),
    "media-worker/objects/raw: stories/{photo}/{size}.jpg": _copied("made from the originals"),
    "story/objects/variants: s/{end}/{token}/{size}.jpg": _copied("made from the originals"),
    "shared/postgresql/outbox": _copied(_PASSING),
    "shared/postgresql/idempotency_keys": _copied(_PASSING),
    "shared/cassandra/idempotency_keys": _copied(_PASSING),
    "webhook/postgresql/endpoints": Covered(
        ("webhooks",),
        "id account_id audience url types ordering description state disabled_reason created_at updated_at"
        " failing_since",
    ),
    "webhook/postgresql/secrets": Covered(
        left_out={"endpoint_id": _DERIVED, "sealed": _HIDDEN, "created_at": _INTERNAL}
    ),
    "webhook/postgresql/cursors": _copied(_INTERNAL),
    "webhook/postgresql/erased_accounts": _copied("marks accounts that were erased"),
    "webhook/postgresql/deliveries": Covered(
        ("webhook_deliveries",),
        "endpoint_id subject type event_time created_at finished_at last_answer",
        {"about": _DERIVED, "body": _PASSING},
    ),
    "story/cassandra/photos": _copied("what `originals` and `stories` have"),
    "story/cassandra/stories": Covered(("stories",), "story_id author_id story"),
    "story/cassandra/stories_by_author": _copied(),
    "story/cassandra/story_archive": Covered(
        ("story_archive",),
        "author_id story_id story",
        {"photo": _DERIVED, "public_token": _HIDDEN, "deleted": _PASSING},
    ),
    "story/cassandra/highlights": Covered(("story_archive",), "author_id number title story_ids"),
    "story/cassandra/story_settings": Covered(("story_archive",), "account_id archive"),
    "story/objects/variants: h/{token}/{size}.jpg": _copied("made from the originals"),
    "story/cassandra/story_replies": Covered(("stories",), "story_id author_id replied_at account_id text"),
    "story/cassandra/story_replies_by_account": _copied(),
    "story/cassandra/ended": _copied("ids of accounts that do not exist any more"),
    "story/redis/st:s:{viewer}": Covered(("stories",), "viewer fields"),
    **{f"story/redis/st:{key}": _copied(_DERIVED) for key in ("on", "a:{author}")},
    **{f"story/redis/st:{key}": _copied() for key in ("f:{viewer}", "fv:{viewer}")},
    **{f"story/redis/st:{key}": _copied(_OTHERS) for key in ("c:{viewer}", "cv:{viewer}")},
    **{f"story/redis/st:{key}": _copied(_OTHERS) for key in ("v:{story}", "vf:{story}", "vh:{story}")},
    "story/redis/st:due": _copied(_PASSING),
    "explore/redis/ex:k:{account}": Covered(("explore_feedback",), "account fields"),
    "explore/redis/ex:l:{post}": _copied(_OTHERS),
    **{
        f"explore/redis/ex:{key}": _copied()
        for key in ("o:{post}", "w:{author}", "h:{tag}", "c:{cell}", "all", "a:{bucket}", "f:{bucket}")
    },
    **{f"explore/redis/ex:{key}:{{account}}": _copied() for key in ("e", "g", "m")},
    **{f"explore/redis/ex:{key}": _copied(_DERIVED) for key in ("top", "n:{post}", "i:{author}", "due")},
    **{
        f"explore/redis/ex:{key}:{{account}}{end}": _copied(
            "what explore showed you in the last days: kept to show you other"
        )
        for key, end in (("s", ":{half}"), ("b", ""), ("y", ""), ("p", ""))
    },
    **{
        f"export/{store}": _copied("the export itself; `GET /v1/me/export` shows when you asked for it")
        for store in (
            "postgresql/exports",
            "postgresql/export_sections",
            "postgresql/export_files",
            "postgresql/export_parts",
            "postgresql/erased_accounts",
            "objects/exports: {account}/{token}/parts/{part}.zip",
            "objects/exports: {account}/{token}/work/{section}/{chunk}.jsonl",
        )
    },
}
"""By deployable, store and table, as in the inventory."""

TOPICS: Mapping[str, tuple[str, ...]] = {
    "accounts": ("profile",),
    "photos_uploaded": ("originals",),
    "photos_reprocess": ("originals",),
    "photo_ready": ("photos",),
    "photo_rejected": ("photos",),
    "photo_failed": ("photos",),
    "photos_retention_elapsed": ("originals",),
    "posts": ("posts",),
    "follows": ("following", "followers", "follow_requests", "blocks", "mutes", "former_follows"),
    "close_friends": ("close_friends",),
    "engagement": ("likes", "comments"),
    "saves": ("saves", "collections", "collection_posts"),
    "engagement_counts": (),
    "feed_tasks": (),
    "notification_tasks": (),
    "notifications": (),
    "webhooks": ("webhooks",),
    "stories": ("stories",),
    "story_views": ("stories",),
    "explore_feedback": ("explore_feedback",),
    "story_replies": ("stories",),
    "erasures": (),
    "erasure_acknowledgements": (),
    "impressions": ("impressions",),
    "served": ("served",),
}
"""The sections that have what a topic says of an account. Empty: it says what follows from others."""

LEFT_OUT: Mapping[str, str] = {
    "passwords and tokens": "We store hashes of them only, which could help to guess them.",
    "who blocks or mutes you, or has you as a close friend": "It is what those accounts do, and theirs to tell.",
    "what others wrote under your posts, and who likes them": "It is theirs, and in their exports.",
    "smaller sizes of your photos": "They are made from the originals, which are included.",
    "what you have deleted": "We do not keep it beyond what docs/events.md says of the topics.",
    "counts, caches and indexes": "They follow from what is included.",
    "logs and traces": "They are kept for days to find faults, and are not sorted by person.",
    "the ranking model": "It is the same for everybody. What it goes by of you is in `ranking`.",
}
"""What the manifest of every export says is not in it, and why."""
