"""Generators for the registry of programs, `deploy/programs.toml`."""
