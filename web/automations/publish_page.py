"""Before publishing: what changes, what is wrong with it, who is inside; a page, and a dialog in
the builder.

Rule: the same for the draft and for an older revision, also when it comes back refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response

from engine import saved
from flows.diff import in_short
from flows.problems import Problem
from store import revisions
from web.automations import compare, levers, reads
from web.automations.check import by_step, check, errors_in, known_of
from web.automations.outline import title
from web.automations.view import starts_by
from web.config import WebConfig
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

PLAN = "plan/"


async def publish_page(
    request: Request[Any, Any, Any],
    automation_id: int,
    number: int | None,
    refused: RefusedError | None = None,
    form: Mapping[str, Any] | None = None,
) -> Response[Any]:
    """Before publishing the draft, or revision `number` again; `refused` is why it was not.

    The builder asks by htmx and gets a dialog; everybody else gets the page.
    """
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    company = who.company_id
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, company, automation_id)
        if automation.status == "archived":
            raise RefusedError(409, levers.ARCHIVED)
        key = compare.DRAFT if number is None else str(number)
        new = await compare.side(tx, company, automation_id, key)
        live = automation.revision
        old = await compare.side(tx, company, automation_id, str(live)) if live else None
        newest = await revisions.page(tx, company, automation_id, limit=1)
        same = old is not None and old.document == new.document
        rows = await compare.inside(tx, company, automation_id, new.flow)
        known = await known_of(tx, company)
        tests = await saved.run_all(tx, company, automation_id, new.document)
    if same and live is not None:
        rows = [kept for one in rows if (kept := compare.without(one, live)) is not None]
    _, problems = check(new.document, known)
    following = newest[0].number + 1 if newest else 1
    told = {
        "automation": automation,
        "base": f"/automations/{automation_id}",
        "action": f"/automations/{automation_id}/"
        + ("published" if number is None else f"revisions/{number}/published"),
        "mark": revisions.mark_of(new.document) if number is None else "",
        "first": old is None,
        "step_count": len(new.flow.steps) if new.flow else 0,
        "starts_by": starts_by(new.flow),
        "rows": rows,
        "inside": sum(one.contacts for one in rows),
        "targets": compare.choices(new.flow),
        "problems": problems,
        "errors": errors_in(problems),
        "groups": by_step(problems),
        "names": _names(new),
        "tests": len(tests),
        "failing": [one for one in tests if not one.passed],
        "comment": str((form or {}).get("comment", "")),
        "plan": chosen(form),
        "wrong": _wrong(refused),
        "idle": _idle(automation, problems, same=same, rows=bool(rows)),
        **_words(automation, number, following, same=same, rows=bool(rows)),
        **_changes(old, new),
    }
    status = refused.status_code if refused else 200
    notices = [Notice(_reason(refused, problems), "danger")] if refused else []
    template = "publish_dialog" if in_dialog(request, form) else "publish"
    return page(
        *(request, f"automations/{template}.html", {"told": told}),
        status=status,
        notices=notices,
    )


def in_dialog(request: Request[Any, Any, Any], form: Mapping[str, Any] | None = None) -> bool:
    """Whether the builder asks: it shows a dialog, and goes on showing its canvas afterwards."""
    if request.headers.get("hx-request") != "true":
        return False
    return request.method == "GET" or (form or {}).get("from") == "dialog"


def _words(
    automation: reads.Automation, number: int | None, following: int, *, same: bool, rows: bool
) -> dict[str, str]:
    if same:
        word = "Move contacts" if rows else "Make it live"
        return {
            "heading": f"Revision {automation.revision} has no changes",
            "word": "Make it live" if automation.status != "live" else word,
            "same": "What would be published is what revision "
            f"{automation.revision} says already: no new revision is made.",
        }
    heading = f"Publish revision {following}"
    if number is not None:
        heading = f"Make revision {number} live again"
    word = heading if number is None else f"Publish it as revision {following}"
    return {"heading": heading, "word": word, "same": ""}


def _names(new: compare.Side) -> dict[str, str]:
    """What the steps are called; the ones that cannot be read by their ids."""
    steps = new.document.get("steps")
    named = {str(one): str(one) for one in steps} if isinstance(steps, dict) else {}
    if new.flow is not None:
        named |= {step_id: title(step) for step_id, step in new.flow.steps.items()}
    return named


def _idle(
    automation: reads.Automation, problems: Sequence[Problem], *, same: bool, rows: bool
) -> str:
    """Why there is nothing to press; "" when there is."""
    errors = len(errors_in(problems))
    if errors:
        return f"{errors} error{'' if errors == 1 else 's'} to solve first."
    if same and not rows and automation.status == "live":
        return "It is live as it is."
    return ""


def _changes(old: compare.Side | None, new: compare.Side) -> dict[str, Any]:
    found, unreadable = [], ""
    if old is not None:
        try:
            found = compare.between(old, new)
        except RefusedError as refused:
            unreadable = refused.detail
    elif new.flow is None:
        unreadable = "The draft cannot be read; its problems say why."
    return {"changes": found, "summary": in_short(found), "unreadable": unreadable}


def chosen(form: Mapping[str, Any] | None) -> dict[str, str]:
    """What the table says of each step: `stay`, `leave` or `move:<step>`."""
    return {
        name.removeprefix(PLAN): str(value)
        for name, value in (form or {}).items()
        if name.startswith(PLAN)
    }


def _wrong(refused: RefusedError | None) -> dict[str, str]:
    """What is wrong with the plan, by step."""
    found: dict[str, str] = {}
    for one in refused.details if refused else ():
        parts = one.pointer.split("/")
        if parts[1:2] == ["plan"]:
            found[parts[2]] = one.message
    return found


def _reason(refused: RefusedError, problems: Sequence[Problem]) -> str:
    errors = len(errors_in(problems))
    if refused.status_code == 422 and errors:  # noqa: PLR2004
        return f"Not published: {errors} error{'' if errors == 1 else 's'} to solve first."
    return f"Not published. {refused.detail}"
