"""The JSON API for machines, under /api/v1."""
