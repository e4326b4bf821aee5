"""Delivers posts to feeds: push (fan-out) or pull, and what a new follower gets."""
