"""Trains models of rankings from what was served, seen and liked."""

import os

# Before numpy is loaded: one thread does, and many would wait for each other on a shared machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
