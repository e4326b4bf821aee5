"""The official JavaScript library verifies our webhooks; the one for Python does in `tests/unit/webhook`."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from photomesh_shared.events import CommentCreated, Envelope, encode
from photomesh_webhook.sending.cloud_event import structured
from photomesh_webhook.sending.signature import signed_headers
from tests.support.node import node, packages

FOLDER = Path(__file__).parent / "standardwebhooks"


def test_javascript_verifies_either_live_secret_and_nothing_else() -> None:
    packages(FOLDER)
    event, event_id = CommentCreated.example(), "c_1.photomesh.comment.created.v1.1"
    event = event.model_copy(update={"text": "Señor 🌅 \u2028"})
    value = encode(Envelope.of(event, entityversion=1)).value
    assert value is not None
    now = datetime.now(UTC)
    body = structured(
        event_id=event_id,
        source=event.source(),
        type_=event.type_,
        time=now,
        subject=event.subject(),
        entityversion=1,
        value=value,
    )
    old, new, other = (os.urandom(32) for _ in range(3))
    headers = dict(signed_headers(event_id, now, body, [new, old]))
    tried = [
        {"secret": "whsec_" + base64.b64encode(secret).decode(), "body": text, "headers": headers}
        for secret, text in [
            (old, body.decode()),
            (new, body.decode()),
            (other, body.decode()),
            (new, body.decode() + " "),
        ]
    ]
    done = subprocess.run(
        [node(), "verify.mjs"], cwd=FOLDER, input=json.dumps(tried), capture_output=True, text=True, check=True
    )
    verified = json.loads(done.stdout)
    assert verified[:2] == [event_id, event_id]
    assert verified[2:] == ["No matching signature found"] * 2
