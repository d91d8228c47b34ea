"""Documents on their way in: from pasted text to a list of problems by step.

Rule: nothing is said about one problem while others are kept back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from flows.document import AnyFlow
from flows.issues import Known, TemplateFacts
from flows.pointers import deeper_than
from flows.problems import Problem
from flows.words import STOP_WORDS, normal
from store import fields, templates, users
from store.automations import automations
from store.lists import contact_lists

DOCUMENT_LIMIT = 2_000_000  # bytes of JSON: a thousand steps with long texts are half of it
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")  # {{1}} or {{name}} in a template's body
DEEPEST = 100  # levels of nesting; no flow has more than twenty


def read_document(text: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The JSON object in `text`, or why there is none, with line and column."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, [Problem("error", f"This is not JSON: {error.msg} at {where}.")]
    except (RecursionError, ValueError):
        return None, [Problem("error", "This is nested too deeply, or has a number too long.")]
    if not isinstance(raw, dict):
        return None, [Problem("error", "The document must be a JSON object: { … }.")]
    if deeper_than(raw, DEEPEST):
        return None, [Problem("error", f"This is nested more than {DEEPEST} levels deep.")]
    return raw, []


async def known_of(tx: AsyncConnection, company_id: int) -> Known:
    """What documents of this company may refer to. Who has defined no fields keeps what they like
    in them, and is not told of each.
    """
    found = await templates.of_company(tx, company_id)
    ids = await tx.execute(
        sa.select(automations.c.id).where(
            automations.c.company_id == company_id, automations.c.origin == ""
        )
    )
    lists = await tx.execute(
        sa.select(contact_lists.c.name).where(contact_lists.c.company_id == company_id)
    )
    people = await users.of_company(tx, company_id)
    keys = frozenset(one.key for one in await fields.of_company(tx, company_id))
    return Known(
        templates={(one.name, one.language): _facts(one) for one in found},
        automations=frozenset(str(one) for one in ids.scalars()),
        fields=keys or None,
        lists=frozenset(lists.scalars()),
        users=frozenset(one.email.lower() for one in people if one.disabled_at is None),
    )


def check(raw: object, known: Known) -> tuple[AnyFlow | None, list[Problem]]:
    """The flow (None when its shape is wrong) and all its problems, errors first."""
    return catalog().check(raw, known)


def by_step(problems: Iterable[Problem]) -> list[tuple[str, list[Problem]]]:
    """Problems grouped by step, the document's own first."""
    groups: dict[str, list[Problem]] = {}
    for one in problems:
        groups.setdefault(one.step, []).append(one)
    return sorted(groups.items(), key=lambda group: group[0] != "")


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    """Those that keep an automation from being published."""
    return [one for one in problems if one.severity == "error"]


def _facts(template: templates.Template) -> TemplateFacts:
    """Body variables, and whether a button or the text itself offers a way out."""
    texts = [template.body.lower()]
    for component in template.components:
        kind = str(component.get("type", "")).upper()
        if kind == "BUTTONS":
            texts += [
                str(button.get("text", "")).lower()
                for button in component.get("buttons") or []
                if str(button.get("type", "")).upper() == "QUICK_REPLY"
            ]
        elif kind == "FOOTER":
            texts.append(str(component.get("text", "")).lower())
    return TemplateFacts(
        category=template.category,
        status=template.status,
        variables=len(set(VARIABLE.findall(template.body))),
        has_stop=any(word in STOP_WORDS for text in texts for word in normal(text).split()),
    )
