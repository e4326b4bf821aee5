"""Bodies of the routes of streams."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["EXAMPLE", "StreamTicket"]

_EXAMPLE = """\
event: ready
id: 1795256400000-0
retry: 3120
data: {"resumed":false}

event: notification
id: 1795256512345-0
data: {"id":"like.o_9xQ4w2Lr.0"}

:

event: removed
id: 1795256698765-0
data: {"id":"like.o_9xQ4w2Lr.0"}

"""
EXAMPLE = {"summary": "A like that came and went", "value": _EXAMPLE}


class StreamTicket(BaseModel):
    """Opens one stream."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ticket": "mZ3vQ0m1fR7eT2yUkPq8sVxW4bN6cD9h", "expires_in": 30}]}
    )

    ticket: str
    expires_in: int = Field(description="Seconds for which the ticket is good.")
