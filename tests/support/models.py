"""Small models of rankings."""

from __future__ import annotations

from datetime import UTC, datetime

from photomesh_shared.ranking.features import FEATURE_SCHEMA, FEATURES
from photomesh_shared.ranking.models import Calibration, Head, ModelDocument, Tree, digest
from photomesh_shared.ranking.rollout import Pointer, Status

__all__ = ["MADE_AT", "head", "model_body", "name_of", "pointer"]

MADE_AT = datetime(2026, 11, 21, 2, tzinfo=UTC)


def head(name: str = "like", *, by: str = "author_affinity", coefficient: float = 4.0, trees: int = 2) -> Head:
    """A head that likes one feature."""
    names = [feature.name for feature in FEATURES]
    number = names.index(by)
    tree = Tree(
        feature=(number, 0, number, 0, 0),
        threshold=(0.4, 0.0, 0.7, 0.0, 0.0),
        left=(1, 1, 3, 3, 4),
        right=(2, 1, 4, 3, 4),
        value=(0.0, -0.5, 0.0, 0.1, 0.8),
    )
    return Head(
        name=name,
        worth=1.0,
        intercept=-2.0,
        coefficients=tuple(coefficient if feature == by else 0.0 for feature in names),
        trees=(tree,) * trees,
        calibration=Calibration(margin=(-3.0, 0.0, 3.0), probability=(0.02, 0.3, 0.9)),
    )


def model_body(*heads: Head, feature_schema: str = FEATURE_SCHEMA) -> bytes:
    """A model's file."""
    return ModelDocument(feature_schema=feature_schema, heads=heads or (head(),)).encode()


def name_of(body: bytes, made_at: datetime = MADE_AT) -> str:
    return f"{made_at:%Y%m%dT%H%M%SZ}-{digest(body)}"


def pointer(
    candidate: str | None = None, base: str | None = None, *, share: float = 0.0, since: datetime = MADE_AT
) -> Pointer:
    return Pointer(candidate=candidate, base=base, share=share, since=since, status=Status(reviewed_at=since))
