"""What kinds of alerts are called, and where to go because of one. Pure words.

Rule: a kind that is not here still has a name, and goes to its phone where it has one.
"""

from __future__ import annotations

from msgspec import Struct

from store.alerts import Alert


class About(Struct, frozen=True):
    """What a kind is called; `address` and its `word` lead to where it is put right."""

    title: str
    address: str = ""
    word: str = ""


TITLES = {
    "number_stopped": "Phone stopped",
    "number_in_danger": "Phone in danger",
    "failures_in_row": "Phone stopped",
    "failure_rate": "Many failures",
    "trouble": "Trouble at WhatsApp",
    "unconfirmed": "Not confirmed",
    "phone_logged_out": "Logged out",
    "phone_banned": "Banned",
    "phone_offline": "Offline",
    "phone_flagged": "Phone stopped",
    "quality": "Quality fell",
    "silent": "No receipts",
    "daily_cap": "Daily limit reached",
    "few_answers": "Few answers",
    "queue_old": "Queue is late",
    "reply_webhook": "Reply webhook fails",
    "outdated": "Linked devices need an update",
}
TEMPLATE, ACCOUNT = "template:", "account:"
QUEUES = frozenset({"queue_old", "unconfirmed"})


def about(alert: Alert, *, admin: bool) -> About:
    """What to call it and where to go; phones are for admins only."""
    kind = alert.kind
    title = TITLES.get(kind) or kind.partition(":")[0].replace("_", " ").capitalize()
    if kind.startswith(TEMPLATE):
        return About("Template stopped", "/templates", "Templates")
    if kind in QUEUES:
        return About(title, "/queue", "Queue")
    if not admin:
        return About(title)
    if alert.phone_id is not None:
        return About(title, f"/phones/{alert.phone_id}", "Phone")
    if kind.startswith(ACCOUNT):
        return About("Account at WhatsApp", "/phones", "Phones")
    return About(title)
