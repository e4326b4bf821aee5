"""Decoding in processes that may die."""

from photomesh_media_worker.sandbox.child import Limits
from photomesh_media_worker.sandbox.pool import DecoderCrashed, DecoderTimedOut, Sandbox

__all__ = ["DecoderCrashed", "DecoderTimedOut", "Limits", "Sandbox"]
