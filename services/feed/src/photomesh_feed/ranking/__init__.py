"""Ranks candidates of a feed: features → scores → diversity. Pure."""
