"""A burst of likes on one post, until its author's notifications are right: writes of groups, and processor time.

Beside it, a naive writer that stores a row and changes the group with each like.
"""
