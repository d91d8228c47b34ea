"""A form as its templates see it: ids, words, and what each picker offers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from flows.contact import BUILT_IN_FIELDS
from flows.problems import Problem
from flows.secrets import VEIL, is_harmless, open_address
from web.builder.forms import conditions, read, template
from web.builder.forms.around import Around
from web.builder.forms.conditions import Node
from web.builder.forms.form import Form
from web.builder.forms.part import Part
from web.builder.forms.schema import UNITS, element_of, unit_of, words_of

BUTTON_LABEL = 20  # characters that WhatsApp shows on a button
MANY_STEPS = 60  # from here on only one exit brings the list of all steps along
_COMMON = {
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail address",
    "language": "Language",
}
_ZONES = {"contact": "The contact's clock", "company": "The company's clock"}
_LANGUAGES = (
    *(("en", "English"), ("it", "Italian"), ("de", "German"), ("fr", "French")),
    *(("es", "Spanish"), ("pt_BR", "Portuguese (Brazil)"), ("pt_PT", "Portuguese (Portugal)")),
    *(("nl", "Dutch"), ("pl", "Polish"), ("en_US", "English (US)"), ("en_GB", "English (UK)")),
)
Pairs = list[tuple[str, str]]


class View(Struct):
    """What macros of forms get as `f`."""

    form: Form
    address: str

    units = UNITS
    label_limit = BUTTON_LABEL
    many = MANY_STEPS

    @property
    def errors(self) -> Mapping[str, list[Problem]]:
        """What is wrong, by place."""
        return self.form.errors

    @property
    def nodes(self) -> Mapping[str, Node | None]:
        """The trees of conditions, by place."""
        return self.form.nodes

    @property
    def around(self) -> Around:
        """The names the company has."""
        return self.form.around

    def el(self, pointer: str) -> str:
        """The id of the element at a place."""
        return element_of(pointer)

    def wrong(self, pointer: str) -> bool:
        """Whether an error stands at a place."""
        return any(one.severity == "error" for one in self.errors.get(pointer, ()))

    def shown(self, value: Any) -> str:
        """A value as its field shows it."""
        return read.shown(value)

    def texts(self, values: Any) -> list[str]:
        """Several values as they are shown."""
        return [read.shown(one) for one in values] if isinstance(values, list) else []

    def veiled(self, part: Part) -> str:
        """A header's value, or a veil over what looks like a secret; for those who only look over
        all that may be one.
        """
        told = self.form.editable or is_harmless(part.variant)
        secret = read.is_secret(part.variant, part.value) or not told
        return VEIL if secret else read.shown(part.value)

    def address_in(self, part: Part) -> str:
        """An address, without what is secret in it for those who only look."""
        said = read.shown(part.value)
        return said if self.form.editable else open_address(said)

    def unit(self, value: Any) -> tuple[str, str]:
        """A length as number and unit."""
        return unit_of(value)

    def ordered(self, part: Part) -> Pairs:
        """The choices in the order of their words, where the schema has words for them."""
        first = [str(one) for one in part.schema.get("x-words", {})]
        place = {value: number for number, value in enumerate(first)}
        return sorted(part.options, key=lambda one: place.get(one[0], len(place)))

    def pairs(self, names: Iterable[str]) -> Pairs:
        """Names that are shown as they are."""
        return [(one, one) for one in names]

    def words(self, pointer: str) -> str:
        """A condition in words."""
        for part in self.form.parts:
            for one in part.walk():
                if one.pointer == pointer and isinstance(one.value, dict):
                    said = conditions.words(one.value)
                    return f"{said[:1].upper()}{said[1:]}." if said else ""
        return ""

    @property
    def value_groups(self) -> list[tuple[str, Pairs]]:
        """The values that conditions can look at, by group."""
        return [
            (group.label, [(one.path, one.label) for one in group.variables])
            for group in self.form.groups
        ]

    @property
    def others(self) -> Pairs:
        """The other steps, by what they are called."""
        return [one for one in self.form.choices if one[0] != self.form.step]

    @property
    def own_fields(self) -> Pairs:
        """The fields that the company defined."""
        return [(one.key, one.label) for one in self.around.fields]

    @property
    def common_fields(self) -> Pairs:
        """The fields that every contact has."""
        return [(one, _COMMON.get(one, words_of(one))) for one in BUILT_IN_FIELDS]

    def zones(self, part: Part) -> Pairs:
        """Whose clock can be meant; the contact's only where the schema speaks of it."""
        said = str(part.schema.get("description", ""))
        return [(one, words) for one, words in _ZONES.items() if f"“{one}”" in said]

    @property
    def languages(self) -> Pairs:
        """The languages of the chosen template, else common ones."""
        name = self._template()
        found = sorted({one.language for one in self.around.templates if one.name == name})
        known = dict(_LANGUAGES)
        return [(one, known.get(one, one)) for one in found] or list(_LANGUAGES)

    @property
    def offered(self) -> list[template.Offered]:
        """The templates that can be chosen."""
        return template.offered(self.around.templates)

    @property
    def category(self) -> str:
        """What the chosen template is for."""
        name = self._template()
        return next((one.category for one in self.offered if one.name == name), "")

    def _template(self) -> str:
        part = next((one for one in self.form.parts if one.input == "template"), None)
        return read.shown(part.value) if part else ""
