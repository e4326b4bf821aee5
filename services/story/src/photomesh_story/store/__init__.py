"""Cassandra (`tables`): the truth about stories. Redis (`index`): what can be built again from topics."""
