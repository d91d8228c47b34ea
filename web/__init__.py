"""HTML for people, a JSON API and webhooks for machines: one folder per feature.

Rule: a handler decodes, calls one verb inside one transaction, and answers; no work at import.
"""
