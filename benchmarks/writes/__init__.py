"""What a write costs: processor time by program for each kind of write, at the same load.

Beside it, in the same run, what a like costs the naive server, and what the stack uses while nothing happens.
"""
