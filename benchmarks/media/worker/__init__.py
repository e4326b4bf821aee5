"""The worker on one photo again and again, see `__main__`.

A package, because children of a fork server import their parent's main module unless it is a package's `__main__`,
as the deployable's is; their memory would not be the deployable's otherwise.
"""
