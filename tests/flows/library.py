"""What the ready-made flows need from the outside: their templates, all approved."""

from __future__ import annotations

import re
from typing import Any

from flows import library
from flows.issues import Known, TemplateFacts

FLOWS = library.names()
TEMPLATES: dict[str, dict[str, Any]] = {one["name"]: one for one in library.templates()}


def component(template: dict[str, Any], kind: str) -> dict[str, Any]:
    found = [one for one in template["components"] if one["type"] == kind]
    return found[0] if found else {}


def variables(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\{\{(\w+)\}\}", text)))


def labels(template: dict[str, Any]) -> list[str]:
    return [button["text"] for button in component(template, "BUTTONS").get("buttons", [])]


def facts(template: dict[str, Any]) -> TemplateFacts:
    return TemplateFacts(
        category=template["category"],
        status="APPROVED",
        variables=len(variables(component(template, "BODY")["text"])),
        has_stop="Stop" in labels(template),
    )


def known() -> Known:
    """A world in which all templates of the library are approved, and no automation exists."""
    all_ = {(one["name"], one["language"]): facts(one) for one in TEMPLATES.values()}
    return Known(all_, frozenset())
