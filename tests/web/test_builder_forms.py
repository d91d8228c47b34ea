"""Forms of every kind: what is drawn of its schema, and what is read of it again."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from engine.kinds import catalog
from flows.document import Flow
from flows.issues import Known
from tests.web.conftest import cart_flow
from tiptoe.docs_kinds import example_of
from web.builder.forms.around import Around
from web.builder.forms.form import COMMON
from web.builder.forms.panel import Settings, settings_of
from web.builder.forms.part import parts_of
from web.builder.forms.read import Reader, changed
from web.builder.forms.schema import INPUTS, resolve
from web.builder.forms.view import View
from web.shell.render import environment

LIBRARY = Path(__file__).parents[2] / "flows" / "library"
PARTS = Path(__file__).parents[2] / "web" / "builder" / "forms" / "parts"
AROUND = Around(known=Known(), tags=("vip",), lists=("Newsletter",), users=(("ada@a.test", "Ada"),))
BLOCK = (
    '{% from "builder/forms/draw.html" import part %}{% for p in all %}{{ part(p, f) }}{% endfor %}'
)


class Fields(HTMLParser):
    """What a browser would send of a form, part by part."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[dict[str, list[str]]] = []
        self.labels: set[str] = set()
        self.controls: list[dict[str, str]] = []
        self.ids: list[str] = []
        self._options: list[tuple[str, bool]] | None = None
        self._text: list[str] | None = None
        self._name = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        if tag == "label" and "for" in given:
            self.labels.add(given["for"])
        if tag == "div" and given.get("class") == "part":
            self.parts.append({})
        if tag in ("input", "select", "textarea"):
            self.controls.append({"tag": tag, **given})
        if tag == "option" and self._options is not None:
            self._options.append((given.get("value", ""), "selected" in given))
        name = given.get("name", "")
        if not name or not self.parts:
            return
        if tag == "input":
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.put(name, given.get("value", ""))
        elif tag == "select":
            self._name, self._options = name, []
        elif tag == "textarea":
            self._name, self._text = name, []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._options is not None:
            chosen = [value for value, selected in self._options if selected]
            self.put(self._name, (chosen or [value for value, _ in self._options] or [""])[0])
            self._options = None
        if tag == "textarea" and self._text is not None:
            self.put(self._name, "".join(self._text).removeprefix("\n"))
            self._text = None

    def put(self, name: str, value: str) -> None:
        self.parts[-1].setdefault(name, []).append(value)


def documents() -> list[tuple[str, dict[str, Any]]]:
    """Every kind by its example, every trigger by its own, and all of the library."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name, kind in catalog().steps.items():
        example = {key: value for key, value in example_of(name, kind).items() if key != "next"}
        found.append((name, cart_flow(start="one", steps={"one": example})))
        found.append((f"a new {name}", cart_flow(start="one", steps={"one": {"type": name}})))
    for name, trigger in catalog().triggers.items():
        made = cart_flow(triggers={"first": example_of(name, trigger), "new": {"type": name}})
        found.append((f"trigger {name}", made))
    library = sorted(LIBRARY.glob("*.json"))
    return [*found, *((path.stem, json.loads(path.read_text())) for path in library)]


def drawn(settings: Settings) -> Fields:
    """The form as a browser has it."""
    values = {
        "f": View(settings.form, "/here"),
        "all": [*settings.own, *settings.form.parts],
    }
    return Fields(environment().from_string(BLOCK).render(values))


@pytest.mark.parametrize(("name", "document"), documents(), ids=[one[0] for one in documents()])
def test_a_form_that_is_sent_as_it_is_changes_nothing(name: str, document: dict[str, Any]) -> None:
    for step in ["@start", *document["steps"]]:
        settings = settings_of(document, step, AROUND)
        assert settings is not None
        fields = drawn(settings)
        assert len(fields.ids) == len(set(fields.ids)), (step, sorted(fields.ids))
        for control in fields.controls:
            if control.get("type") not in ("hidden", "radio", "checkbox"):
                assert control.get("aria-label") or control["id"] in fields.labels, control
        for posted in fields.parts:
            place = posted["part"][0]
            found = settings.form.find(place) or (settings.form.sections[""], None)
            section, part = found
            part = part or next(one for one in settings.own if one.pointer == place)
            reader = Reader(posted, section.defs, {})
            made = reader.settings([part], section.raw)
            assert not reader.complaints, (step, place, reader.complaints)
            assert list(changed(section.raw, made)) == [], (step, place)


def every_schema() -> list[tuple[str, type]]:
    steps = [(f"step {name}", kind) for name, kind in catalog().steps.items()]
    triggers = [(f"trigger {name}", kind) for name, kind in catalog().triggers.items()]
    return [*steps, *triggers, ("flow", Flow[Any, Any])]


@pytest.mark.parametrize(("name", "kind"), every_schema(), ids=[one[0] for one in every_schema()])
def test_every_setting_has_a_part_and_words(name: str, kind: type) -> None:
    schema = catalog().kind_schema(kind)
    own = resolve(schema, schema["$defs"])["properties"]
    shown: dict[str, str] = {}
    for one, setting in own.items():  # whatever a setting is shown beside
        beside: dict[str, Any] = {}
        for other, wanted in setting.get("x-when", {}).items():
            fixed = {"some": ["x"], "none": []}
            beside[other] = fixed[wanted] if isinstance(wanted, str) else wanted[0]
        for part in parts_of(schema, beside, COMMON):
            if part.name == one:
                shown[one] = part.input
                assert part.label, part
                assert part.input in INPUTS
    assert own.keys() - shown.keys() <= {*COMMON, "type", "spec", "start_at"}
    for each in schema["$defs"].values():
        for setting in each.get("properties", {}).values():
            wanted = setting.get("x-input")
            assert wanted is None or wanted in INPUTS, setting
            words = setting.get("x-words", {})
            solved = resolve(setting, schema["$defs"])
            if words and "enum" in solved:
                assert set(words) == set(map(str, solved["enum"])), setting


def test_every_input_has_a_file() -> None:
    assert {path.stem for path in PARTS.glob("*.html")} - {"picks"} == INPUTS


@pytest.mark.parametrize("wrong", [5, [{}], {"type": "not"}], ids=["number", "list", "object"])
def test_a_form_survives_what_cannot_be_read(wrong: Any) -> None:
    for name, kind in every_schema()[:-1]:
        schema = catalog().kind_schema(kind)
        section, _, tag = name.partition(" ")
        for setting in resolve(schema, schema["$defs"])["properties"]:
            entry = {"type": tag} | ({} if setting == "type" else {setting: wrong})
            in_step = cart_flow(start="one", steps={"one": entry})
            document = in_step if section == "step" else cart_flow(triggers={"one": entry})
            settings = settings_of(document, "one" if section == "step" else "@start", AROUND)
            assert settings is not None
            assert drawn(settings).parts
