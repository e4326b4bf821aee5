"""Use cases of the consumer: what each event changes in the read models.

All are idempotent and independent of order: what is stored is compared by version, lists are sets, and what is read
from other services is read again.
"""
