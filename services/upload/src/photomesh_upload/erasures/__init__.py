"""Erasure of what accounts uploaded."""
