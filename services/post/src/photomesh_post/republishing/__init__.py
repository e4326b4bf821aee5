"""Brings tables and topics to the same state, whichever of the two has been restored or lost something."""
