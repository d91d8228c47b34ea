"""“More settings” of an automation, as every change of them answers too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response
from msgspec import Struct

from flows.conditions import in_words
from flows.diff import rule_words
from flows.document import AnyFlow
from flows.duration import duration_words, parse_duration
from flows.problems import Problem
from flows.trigger import trigger_kind
from web.automations import reads
from web.automations.check import by_step, check, errors_in, known_of
from web.config import WebConfig
from web.security.who import Who
from web.shell.render import Notice, page

POLICIES = {
    "once_ever": "Everybody once, ever",
    "once_at_a_time": "Everybody, once at a time",
    "restart": "Everybody; who is inside starts again",
    "parallel": "Everybody, also several times at once",
}
SAID = {
    "imported": Notice("Imported as a draft. Nothing starts before you publish it."),
    "saved": Notice("The draft is saved."),
    "templates": Notice(
        "It is yours now. Some of its templates are not there yet: they can be handed in at "
        "WhatsApp from the gallery.",
        "warn",
        "/automations/gallery",
        "Gallery",
    ),
    "restored": Notice(
        "The draft is that revision again. Nothing changes live until you publish; Undo brings "
        "back what it was."
    ),
    "started": Notice(
        "Asked to start. It appears under Runs within seconds, unless the entry rules keep the "
        "contact out."
    ),
    "unwanted": Notice(
        "This contact is blocked or does not want messages, so nothing starts.", "warn"
    ),
}


class StartsBy(Struct, frozen=True):
    """One trigger as the page shows it; `wait` is None for kinds without one."""

    id: str
    kind: str
    label: str
    summary: str
    wait: str | None
    problems: list[Problem]


def starts_by(flow: AnyFlow | None) -> str:
    """All triggers in one line."""
    if flow is None:
        return "the draft cannot be read"
    said = [one.summary() or one.label for one in flow.triggers.values()]
    return said[0] + (f" + {len(said) - 1} more" if len(said) > 1 else "") if said else ""


async def automation_page(
    request: Request[Any, Any, Any],
    automation_id: int,
    notices: Sequence[Notice] = (),
    *,
    status: int = 200,
    document: str | None = None,
    wait_error: Mapping[str, tuple[str, str]] | None = None,
    start_error: str = "",
    start_phone: str = "",
    test_error: str = "",
    test_phone: str = "",
    priority_error: str = "",
    priority_given: str = "",
) -> Response[Any]:
    """The page as things are now; the last arguments carry back what was wrong with a form."""
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        counts = await reads.counts_of(tx, who.company_id, [automation_id], web.clock())
        known = await known_of(tx, who.company_id)
        testers = await reads.names_of(tx, who.company_id, found.test_contacts or ())
    flow, problems = check(found.draft, known)
    said = SAID.get(request.query_params.get("said", ""))
    if request.method == "GET" and said:
        notices = [*notices, said]
    errors = wait_error or {}
    values = {
        "automation": found,
        "base": f"/automations/{automation_id}",
        "flow": flow,
        "problems": problems,
        "errors": errors_in(problems),
        "groups": by_step(problems),
        "counts": counts[automation_id],
        "triggers": _triggers(flow, problems),
        "entry": _entry(flow),
        "exit_rules": _exit_rules(flow),
        "document": document if document is not None else _pretty(found.draft),
        "document_open": document is not None or flow is None,
        "wait_given": {name: given for name, (given, _) in errors.items()},
        "wait_error": {name: trouble for name, (_, trouble) in errors.items()},
        "start_error": start_error,
        "start_phone": start_phone,
        "testers": testers,
        "test_error": test_error,
        "test_phone": test_phone,
        "priority_error": priority_error,
        "priority_given": priority_given if priority_error else str(found.priority),
    }
    return page(request, "automations/more.html", values, status=status, notices=notices)


def _triggers(flow: AnyFlow | None, problems: Sequence[Problem]) -> list[StartsBy]:
    if flow is None:
        return []
    return [
        StartsBy(
            id=name,
            kind=trigger_kind(trigger),
            label=trigger.label,
            summary=trigger.summary(),
            wait=trigger.wait if getattr(trigger, "on", "") == "cart.abandoned" else None,  # type: ignore[attr-defined]
            problems=[one for one in problems if one.step == name],
        )
        for name, trigger in flow.triggers.items()
    ]


def _entry(flow: AnyFlow | None) -> str:
    if flow is None:
        return ""
    said = POLICIES[flow.entry.policy]
    if flow.entry.not_again_within:
        gap = duration_words(parse_duration(flow.entry.not_again_within))
        said += f", not again within {gap}"
    if flow.entry.condition is not None:
        said += f", only if {in_words(flow.entry.condition)}"
    return said


def _exit_rules(flow: AnyFlow | None) -> str:
    if flow is None or not flow.exit_rules:
        return "Never; the steps decide"
    return "When " + ", or ".join(rule_words(rule) for rule in flow.exit_rules)


def _pretty(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
