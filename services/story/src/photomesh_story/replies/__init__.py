"""Replies to stories, which the story's author and the replier alone read."""
