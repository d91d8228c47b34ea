"""All of /api/v1 together. Rule: keys and people alike, always inside one company."""

from __future__ import annotations

from litestar import Router
from litestar.openapi.spec import SecurityRequirement

from web.api import (
    alerts,
    auto_replies,
    automations,
    campaigns,
    company,
    contact_changes,
    contacts,
    costs,
    docs,
    draft_changes,
    events,
    fields,
    forecasts,
    house,
    levers,
    lists,
    media,
    messages,
    phones,
    read,
    reply_webhook,
    revisions,
    runs,
    scenarios,
    templates,
    webhook_secret,
    webhooks,
)
from web.api.bodies import check_body

SECURITY: list[SecurityRequirement] = [{"apiKey": []}]


def api_router() -> Router:
    """The router with every call of the API."""
    return Router(
        path="/api/v1",
        route_handlers=[
            *automations.HANDLERS,
            *draft_changes.HANDLERS,
            *revisions.HANDLERS,
            *runs.HANDLERS,
            *levers.HANDLERS,
            *contacts.HANDLERS,
            *contact_changes.HANDLERS,
            *lists.HANDLERS,
            *messages.HANDLERS,
            *media.HANDLERS,
            *read.HANDLERS,
            *templates.HANDLERS,
            *auto_replies.HANDLERS,
            *forecasts.HANDLERS,
            *campaigns.HANDLERS,
            *costs.HANDLERS,
            *alerts.HANDLERS,
            *phones.HANDLERS,
            *events.HANDLERS,
            *webhooks.HANDLERS,
            *fields.HANDLERS,
            *webhook_secret.HANDLERS,
            *company.HANDLERS,
            *reply_webhook.HANDLERS,
            *house.HANDLERS,
            *scenarios.HANDLERS,
            docs.show_openapi,
            docs.show_docs,
        ],
        before_request=check_body,
        opt={"access": "api", "role": "viewer"},
        security=SECURITY,
    )
