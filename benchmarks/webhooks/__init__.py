"""Webhooks under load: how fast an endpoint catches up that was down, and what one that hangs does to others.

`make bench-webhooks`. The sender is a process of its own on the test stack's servers; receivers are in the benchmark's
process, which takes its share of the cores.
"""
