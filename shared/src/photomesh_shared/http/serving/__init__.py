"""The server: uvicorn, with bounds of its own for connections."""
