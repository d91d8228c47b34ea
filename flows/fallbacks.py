"""Variables of templates that are empty for some contacts: those would not get the message.

Rule: only what is nothing but a value of the contact is judged; Liquid may do anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from flows.document import AnyFlow
from flows.problems import Problem, pointer

FALLBACK = "there"  # reads well where a first name would stand
_ALONE = re.compile(
    r"\s*\{\{-?\s*contact\.(name|first_name|last_name|email|fields\.\w+)\s*-?\}\}\s*"
)
_WITH_FALLBACK = frozenset({"name", "first_name"})


def fallbacks(flow: AnyFlow) -> Iterator[Problem]:
    """Every variable of a template that stands and falls with one field of the contact."""
    for step_id, step in flow.steps.items():
        if not any(one.what == "template" for one in step.references()):
            continue
        for field, text in step.texts():
            found = _ALONE.fullmatch(text)
            if found is None:
                continue
            name = found[1].rpartition(".")[2].replace("_", " ")
            said = f"Contacts without “{name}” do not get this: WhatsApp takes no empty variables."
            where = pointer("steps", step_id) + field
            yield Problem("warning", said, where, step_id, "Give it a fallback.")


def with_fallback(text: str) -> str | None:
    """The same variable with a word for those who have no name; None for any other text."""
    found = _ALONE.fullmatch(text)
    if found is None or found[1] not in _WITH_FALLBACK:
        return None
    return f'{{{{ contact.{found[1]} | default: "{FALLBACK}" }}}}'
