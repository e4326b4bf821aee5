"""Reading comments of a viral month: pages of threads with a thousand, a hundred thousand and a million comments.

A thread's comments of one month are one partition of `comments_by_thread`. Pages are read by post's own store, at the
newest comment, in the middle and at the oldest, in turn, so that all sizes share the same moments.
"""
