"""What of a form must be drawn anew after a change. Pure, except for the templates it fills.

Rule: what somebody may be typing in stays: only fields that came, went or offer something else are
sent, and what is said under them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from flows.editing import START_STEP
from flows.problems import Problem
from web.builder.forms.form import Form
from web.builder.forms.panel import Settings, example_for, trigger_summary
from web.builder.forms.part import Part
from web.builder.forms.read import same
from web.builder.forms.schema import element_of
from web.builder.forms.view import View
from web.builder.kinds import groups
from web.shell.render import environment


def partials(
    before: Settings,
    after: Settings,
    edited: str,
    complaints: Mapping[str, str],
    address: str,
    now: datetime,
) -> str:
    """The partials that bring the panel from `before` to `after`; `edited` is the part that was
    changed in it, `complaints` are what was not stored, by place.
    """
    old, new = before.form, after.form
    for place, sentence in complaints.items():
        new.errors[place] = [Problem("error", sentence), *new.errors.get(place, [])]
    regrouped = list(_regrouped(old, new))
    redrawn = [] if regrouped else list(_redrawn(old, new, edited))
    drawn = {one.pointer for one in redrawn}
    values = {
        "f": View(new, address),
        "regrouped": regrouped,
        "redrawn": redrawn,
        "slots": [] if regrouped else list(_slots(before, after, edited, drawn)),
        "spoken": [one for one in new.nodes if one.startswith(edited)],
        "texts": list(_texts(before, after)),
        "example": example_for(after, now) if new.step != START_STEP else None,
        "ways": after.ways if after.ways != before.ways or _other_titles(before, after) else None,
        "kinds": groups(),
    }
    return environment().get_template("builder/forms/answer.html").render(values)


def _regrouped(old: Form, new: Form) -> Iterator[tuple[str, str, list[Part]]]:
    """`(element, base, parts)` of sections in which settings came or went."""
    for name, section in new.sections.items():
        known = old.sections.get(name)
        if known is None:
            continue
        if [one.pointer for one in known.parts] != [one.pointer for one in section.parts]:
            element = f"{element_of(section.base)}-fields" if section.base else "form-fields"
            yield element, section.base, section.parts


def _redrawn(old: Form, new: Form, edited: str) -> Iterator[Part]:
    known = {one.pointer: one for one in old.parts}
    for part in new.parts:
        was = known.get(part.pointer)
        if was is None:
            continue
        other = part.pointer != edited and not same(part.value, was.value)
        if other or old.shape(was) != new.shape(part):
            yield part


def _slots(before: Settings, after: Settings, edited: str, drawn: set[str]) -> Iterator[str]:
    """The places whose problems are to be told anew."""
    old, new = before.form, after.form
    places = ["", *new.slots(), *(one.pointer for one in after.own)]
    places += [f"/next/{way.exit}" for way in after.ways]
    if new.step == START_STEP:
        places += ["/triggers", *(one.base for one in new.sections.values() if one.base)]
    for place in dict.fromkeys(places):
        if any(place == one or place.startswith(f"{one}/") for one in drawn):
            continue
        mine = place == edited or place.startswith(f"{edited}/")
        if mine or old.errors.get(place) != new.errors.get(place):
            yield place


def _texts(before: Settings, after: Settings) -> Iterator[tuple[str, str]]:
    """`(element, words)` of headings and summaries that read otherwise now."""
    step = after.form.step
    if step != START_STEP:
        title = after.read.titles.get(step, "")
        if title != before.read.titles.get(step):
            yield "panel-heading", title
        return
    for name, section in after.form.sections.items():
        said = trigger_summary(after, name)
        if section.base and said != trigger_summary(before, name):
            yield f"{element_of(section.base)}-summary", said


def _other_titles(before: Settings, after: Settings) -> bool:
    return [one for one in before.form.choices if one[0] != before.form.step] != [
        one for one in after.form.choices if one[0] != after.form.step
    ]
