"""Redis: read models that can be built again. Everything in it can be lost.

`connection` opens it and translates its failures.
"""
