"""Decoding in processes that may die, and that can do nothing but decode.

    consumer ── `pool` ── `launcher` ═══ control socket ═══ `fork_server` ── fork ── `child`
                              ╚═════════════ a socket for each child ═══════════════════╝

Decoders of photos have a history of memory errors, so whatever runs in a child is taken to be the photo's own program.
It has no environment, no file but its socket, and no network (`seccomp`); what it sends is JSON and pictures, which are
checked before they are believed (`answers`).
"""
