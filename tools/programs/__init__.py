"""Writes what follows from the registry of programs, `deploy/programs.toml`."""
