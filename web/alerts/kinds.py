"""Where a person goes because of an alert. Rule: phones are for admins only."""

from __future__ import annotations

from store.alert_kinds import About, about_kind
from store.alerts import Alert


def about(alert: Alert, *, admin: bool) -> About:
    """What to call it and where to go."""
    found = about_kind(alert.kind, alert.phone_id)
    return found if admin or not found.of_phones else About(found.title)
