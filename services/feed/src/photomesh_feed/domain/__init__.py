"""Types and pure rules of feeds. Imports nothing else of this service."""
