"""The REST API of syncs."""
