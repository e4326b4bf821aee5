"""How consumers scale: pods over time, and how long records wait, in a simulation of the HPA and of a consumer group.

Compares the autoscaling of `deploy/programs.toml` with scaling on lag alone. Deterministic. On lag alone it oscillates
as KEDA and a real HPA did under the same load: 2, 5, 12, 9, 6, 4, 7, 5, 4, 10 pods.
"""
