"""Checks of topics against the contract of events."""
