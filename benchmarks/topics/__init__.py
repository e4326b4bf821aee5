"""How fast topics are verified: records a second of `photomesh_shared.verify_topics`, reading from Kafka included.

Beside it, a consumer that only counts the records.
"""
