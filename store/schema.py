"""All tables at once: importing this registers every noun in `metadata`. It holds nothing else."""

from __future__ import annotations

from store import (
    alerts,
    api_keys,
    automations,
    campaigns,
    carts,
    companies,
    contacts,
    events,
    fields,
    heartbeats,
    http_calls,
    idempotency,
    inbound_hooks,
    links,
    lists,
    messages,
    notes,
    phones,
    runs,
    scenarios,
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
    *(lists, fields, notes, links, campaigns, inbound_hooks, scenarios),
)

__all__ = ["NOUNS", "metadata"]
