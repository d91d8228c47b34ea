"""Who goes through a try-out: the sample contact as somebody fills it in, or a real one's copy.

Rule: pure. A field of the form that makes no sense is said by its name, and nothing is taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import structs

from flows.calendar import is_zone
from flows.contact import Contact

LONGEST = 200  # characters of one field of the form
MOST_NAMES = 50  # tags, lists
TEXTS = ("first_name", "last_name", "phone", "email", "language", "country")
CONSENTS = ("unknown", "yes", "no")
OWN = "field-"  # how the form calls the company's own fields


class WrongPersonError(Exception):
    """What is wrong with the sample contact, in a sentence."""


def filled_in(before: Contact, form: Mapping[str, Any]) -> Contact:
    """The sample contact as the form says. Raises WrongPersonError."""
    given = {name: _text(form, name, getattr(before, name)) for name in TEXTS}
    zone = _text(form, "zone", before.zone)
    if not is_zone(zone):
        raise WrongPersonError(f"“{zone}” is no time zone; write one like Europe/Rome.")
    consent = _text(form, "consent", before.consent)
    if consent not in CONSENTS:
        raise WrongPersonError("Consent is yes, no or unknown.")
    fields = {key.removeprefix(OWN): _text(form, key, "") for key in form if key.startswith(OWN)}
    kept = {key: value for key, value in before.fields.items() if OWN + key not in form}
    return structs.replace(
        before,
        **given,
        name=f"{given['first_name']} {given['last_name']}".strip(),
        zone=zone,
        consent=consent,
        tags=_names(form, "tags", before.tags),
        lists=_names(form, "lists", before.lists),
        fields=kept | {key: _value(key, value, before) for key, value in fields.items() if value},
    )


def _text(form: Mapping[str, Any], name: str, before: str) -> str:
    text = str(form.get(name, before)).strip()
    if len(text) > LONGEST:
        raise WrongPersonError(f"“{text[:20]}…” has more than {LONGEST} characters.")
    return text


def _names(form: Mapping[str, Any], name: str, before: frozenset[str]) -> frozenset[str]:
    if name not in form:
        return before
    names = [one.strip() for one in str(form[name]).split(",")]
    found = frozenset(one for one in names if one)
    if len(found) > MOST_NAMES or any(len(one) > LONGEST for one in found):
        raise WrongPersonError(f"{name.capitalize()}: at most {MOST_NAMES}, with commas between.")
    return found


def _value(key: str, text: str, contact: Contact) -> Any:
    """What somebody typed as a value of that field's kind; text where it is none."""
    kind = contact.company.fields.get(key, "text")
    if kind == "yes_no":
        return text.lower() in ("yes", "true", "1")
    if kind == "number":
        try:
            return msgspec.json.decode(text, type=int | float)
        except msgspec.MsgspecError as error:
            raise WrongPersonError(f"“{key}” is a number, and “{text}” is none.") from error
    return text
