"""Webhooks in: raw bytes, signature, rows, answer. The work happens afterwards."""
