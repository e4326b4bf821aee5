"""Builders for tests of feed: events, and the services that feed calls."""
