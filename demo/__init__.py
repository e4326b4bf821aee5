"""The main job, as an ordinary HTTP client would do it: people upload photos and publish posts.

It knows the platform only by its public URL. Run it with `make demo`.
"""
