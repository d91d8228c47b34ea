"""What kinds of alerts are called, and where to go because of one. Pure words.

Rule: a kind that is not here still has a name, and goes to its phone where it has one.
"""

from __future__ import annotations

from msgspec import Struct


class About(Struct, frozen=True):
    """What a kind is called; `address` and its `word` lead to where it is put right. `of_phones`:
    that place is for admins.
    """

    title: str
    address: str = ""
    word: str = ""
    of_phones: bool = False


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
    "low_quality": "Quality is low",
    "quality_fell": "Quality fell",
    "campaigns_rest": "Campaigns rest",
    "silent": "No receipts",
    "daily_cap": "Daily limit reached",
    "few_answers": "Few answers",
    "queue_old": "Queue is late",
    "reply_webhook": "Reply webhook fails",
    "house_reply_webhook": "Operator's webhook fails",
    "alert_webhook": "Alert webhook fails",
    "house_alert_webhook": "Operator's webhook fails",
    "alert_mail": "Alerts cannot be mailed",
    "client_outdated": "Linked devices need an update",
}
TEMPLATE, ACCOUNT = "template:", "account:"
QUEUES = frozenset({"queue_old", "unconfirmed", "daily_cap"})


def about_kind(kind: str, phone_id: int | None = None) -> About:
    """What to call an alert of this kind (about that phone), and where to go."""
    title = TITLES.get(kind) or kind.partition(":")[0].replace("_", " ").capitalize()
    if kind.startswith(TEMPLATE):
        return About("Template stopped", "/templates", "Templates")
    if phone_id is not None:
        return About(title, f"/phones/{phone_id}", "Phone", of_phones=True)
    if kind in QUEUES:
        return About(title, "/queue", "Queue")
    if kind.startswith(ACCOUNT):
        return About("Account at WhatsApp", "/phones", "Phones", of_phones=True)
    return About(title)
