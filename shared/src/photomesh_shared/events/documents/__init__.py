"""What subscribers read about events: JSON Schemas, AsyncAPI, personal data."""
