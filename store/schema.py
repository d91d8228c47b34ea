"""All tables at once: importing this registers every noun in `metadata`. It holds nothing else."""

from __future__ import annotations

from store import (
    alerts,
    api_keys,
    auto_replies,
    automations,
    campaigns,
    carts,
    companies,
    contacts,
    conversations,
    drafts,
    events,
    fields,
    heartbeats,
    house,
    http_calls,
    idempotency,
    inbound_hooks,
    links,
    lists,
    media,
    media_wanted,
    messages,
    notes,
    number_checks,
    phones,
    read_marks,
    runs,
    scenarios,
    sessions,
    shops,
    step_days,
    templates,
    users,
    visits,
)
from store.columns import metadata

NOUNS = (
    *(companies, users, sessions, api_keys, contacts, automations, drafts),
    *(events, runs, visits, step_days, messages, templates, phones, shops, carts),
    *(http_calls, idempotency, alerts, heartbeats),
    *(lists, fields, notes, links, campaigns, inbound_hooks, scenarios),
    *(house, auto_replies, conversations, media, media_wanted, number_checks, read_marks),
)

__all__ = ["NOUNS", "metadata"]
