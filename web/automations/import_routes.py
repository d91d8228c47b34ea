"""Importing: a file or pasted text, what it needs that is not here, then a draft.

Rule: everything is told before anything is made; a draft may have problems, but its form is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.document import AnyFlow
from flows.issues import Known
from flows.problems import Problem
from store import automations, fields, users
from store.automations import automations as automation_table
from store.lists import contact_lists
from web.automations.check import (
    DOCUMENT_LIMIT,
    by_step,
    check,
    errors_in,
    known_of,
    read_document,
)
from web.automations.exported import ASKED, LeftOut, filled_in, left_out
from web.automations.missing import PICK, Choices, Missing, missing_in, replaced
from web.given import Asker, Web
from web.shell.errors import RefusedError
from web.shell.render import page

EDITOR = {"role": "viewer", "change_role": "editor"}
MOST_CHOICES = 500  # of each sort; nobody looks through more in a list


@get("/automations/import", opt={"role": "editor"})
async def show_import(request: Request[Any, Any, Any]) -> Response[Any]:
    """A place for a file or pasted text."""
    return page(request, "automations/import.html", _values("", checked=False))


@post("/automations/import", opt=EDITOR, request_max_body_size=2 * DOCUMENT_LIMIT)
async def import_document(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """Check a document; make a draft of it when that was asked and its form is right."""
    form = await request.form()
    text = await _document_of(form)
    if len(text) > DOCUMENT_LIMIT:
        raise RefusedError(413, f"A document may have {DOCUMENT_LIMIT:,} characters at most.")
    raw, problems = read_document(text)
    flow: AnyFlow | None = None
    missing: list[Missing] = []
    secrets: list[LeftOut] = []
    picks = {name: str(value) for name, value in form.items() if name.startswith((PICK, ASKED))}
    if raw is not None:
        async with web.database.read() as tx:
            known = await known_of(tx, who.company_id)
            choices = await _choices(tx, who.company_id, known)
        flow, problems = check(raw, known)
        if flow is not None:
            missing = missing_in(flow, known, choices)
            secrets = left_out(raw)
            raw = replaced(filled_in(raw, picks), missing, picks)
            _, problems = check(raw, known)
    if raw is None or flow is None or form.get("do") != "import":
        values = _values(
            *(text, missing, secrets), checked=True, problems=problems, flow=flow, picks=picks
        )
        return page(request, "automations/import.html", values, status=422 if not flow else 200)
    async with web.database.write() as tx:
        made = await automations.create(tx, who.company_id, raw, web.clock())
    return Redirect(f"/automations/{made}?said=imported", status_code=303)


async def _choices(tx: AsyncConnection, company_id: int, known: Known) -> Choices:
    """What can stand in for something that is missing."""
    automations_here = await tx.execute(
        sa.select(automation_table.c.id, automation_table.c.name)
        .where(automation_table.c.company_id == company_id, automation_table.c.origin == "")
        .where(automation_table.c.status != "archived")
        .order_by(automation_table.c.name)
        .limit(MOST_CHOICES)
    )
    lists_here = await tx.execute(
        sa.select(contact_lists.c.name)
        .where(contact_lists.c.company_id == company_id)
        .order_by(contact_lists.c.name)
        .limit(MOST_CHOICES)
    )
    people = await users.of_company(tx, company_id)
    own_fields = await fields.of_company(tx, company_id)
    return {
        "template": [
            (f"{name}/{language}", f"{name} ({language})")
            for name, language in sorted(known.templates or ())
        ][:MOST_CHOICES],
        "automation": [(str(row.id), row.name or "Without a name") for row in automations_here],
        "list": [(name, name) for name in lists_here.scalars()],
        "field": [(one.key, one.label or one.key) for one in own_fields],
        "user": [
            (one.email, f"{one.name} ({one.email})" if one.name else one.email)
            for one in people
            if one.disabled_at is None
        ],
    }


async def _document_of(form: Any) -> str:
    upload = form.get("file")
    if isinstance(upload, UploadFile):
        content = await upload.read()
        if content:
            return content.decode("utf-8-sig", errors="replace")
    return str(form.get("document") or "").replace("\r\n", "\n")


def _values(
    text: str,
    missing: Sequence[Missing] = (),
    secrets: Sequence[LeftOut] = (),
    *,
    checked: bool,
    problems: Sequence[Problem] = (),
    flow: AnyFlow | None = None,
    picks: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "document": text,
        "checked": checked,
        "problems": problems,
        "errors": errors_in(problems),
        "groups": by_step(problems),
        "importable": flow is not None,
        "flow_name": flow.name if flow is not None else "",
        "step_count": len(flow.steps) if flow is not None else 0,
        "missing": missing,
        "secrets": secrets,
        "picks": picks or {},
    }


HANDLERS = (show_import, import_document)
