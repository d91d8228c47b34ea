"""Documents on their way out of the house: a file others may see, and what was left out of it.

Rule: pure; a file never holds what opens a door. Secrets lie in the headers and addresses of
webhook steps; they are emptied, and asked for again where the file is imported.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from flows.problems import pointer
from flows.secrets import is_harmless, open_address
from web.security.who import Who

ASKED = "secret/"


class LeftOut(Struct, frozen=True):
    """A header whose value was left out; `place` is its JSON pointer."""

    place: str
    step: str
    header: str

    @property
    def key(self) -> str:
        """Under which the form tells its value."""
        return ASKED + self.place


def without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same document with all secrets of its webhook steps emptied."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    for _, step in _webhooks(made):
        headers = step.get("headers")
        if isinstance(headers, dict):
            for name in headers:
                if not is_harmless(str(name)):
                    headers[name] = ""
        if isinstance(step.get("url"), str):
            step["url"] = open_address(step["url"])
    return made


def shown_to(who: Who, document: dict[str, Any]) -> dict[str, Any]:
    """The document as somebody may read it: secrets are for those who could change them."""
    return document if who.may("editor") else without_secrets(document)


def left_out(document: Mapping[str, Any]) -> list[LeftOut]:
    """The headers of webhook steps that have no value: what an exported file lacks."""
    return [
        LeftOut(pointer("steps", step_id, "headers", name), str(step.get("name") or step_id), name)
        for step_id, step in _webhooks(document)
        for name, value in _headers(step).items()
        if value == ""
    ]


def filled_in(document: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The document with the values that were typed for what was left out."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    for one in left_out(document):
        value = given.get(one.key, "").strip()
        if value:
            step_id = one.place.split("/")[2].replace("~1", "/").replace("~0", "~")
            made["steps"][step_id]["headers"][one.header] = value
    return made


def _webhooks(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    steps = document.get("steps")
    for step_id, step in steps.items() if isinstance(steps, dict) else ():
        if isinstance(step, dict) and step.get("type") == "webhook":
            yield str(step_id), step


def _headers(step: Mapping[str, Any]) -> Mapping[str, Any]:
    headers = step.get("headers")
    return headers if isinstance(headers, dict) else {}
