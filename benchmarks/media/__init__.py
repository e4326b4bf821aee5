"""The media pipeline beside Pillow, sharp and plain libvips: the same photos, the same four sizes, one core each.

    make bench-media                      with photos that it makes itself
    make bench-media PHOTOS=folder        with yours

Every contestant is a process of its own, pinned to the same core, and they take turns photo by photo, so that whatever
else the machine does falls on all alike. What is compared is processor time, which waiting for a busy core does not
change. Sharp needs Node; without it, its rows are left out, and the result says so.
"""
