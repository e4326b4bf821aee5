"""The indices, and the connection to OpenSearch."""
