"""All tables at once: importing this registers every noun in `metadata`. It holds nothing else."""

from __future__ import annotations

from store import (
    alerts,
    api_keys,
    automations,
    carts,
    companies,
    contacts,
    events,
    heartbeats,
    http_calls,
    idempotency,
    messages,
    phones,
    runs,
    sessions,
    shops,
    templates,
    users,
    visits,
)
from store.columns import metadata

NOUNS = (
    *(companies, users, sessions, api_keys, contacts, automations),
    *(events, runs, visits, messages, templates, phones, shops, carts),
    *(http_calls, idempotency, alerts, heartbeats),
)

__all__ = ["NOUNS", "metadata"]
