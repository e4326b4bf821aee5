"""Feed's Redis: the only package that imports its driver. `photomesh_feed.store.keys` says what is in it."""
