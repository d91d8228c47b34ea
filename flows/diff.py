"""Two versions of a flow: what changed, in words. PURE.

Rule: only what somebody would tell a colleague is a change; cards moved on the canvas and settings
spelled out at their default are not. Pages, API and command line show the same sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from flows.changed import settings_changed
from flows.conditions import in_words
from flows.diff_steps import About, Change, named, plain, setting_words, step_changes
from flows.document import AnyFlow, Entry, ExitRule
from flows.duration import duration_words, parse_duration
from flows.problems import pointer
from flows.trigger import Trigger, trigger_kind

POLICIES = {
    "once_ever": "once, ever",
    "once_at_a_time": "once at a time",
    "restart": "again at any time; who is inside starts over",
    "parallel": "also several times at once",
}
_BUDGET = {"defer": "sent later", "drop": "not sent at all"}


def changes(before: AnyFlow, after: AnyFlow) -> list[Change]:
    """What turns `before` into `after`: the automation itself, how it starts, then its steps."""
    return [
        *_document(before, after),
        *_start(before, after),
        *_triggers(before, after),
        *_entry(before.entry, after.entry),
        *_exit_rules(before.exit_rules, after.exit_rules),
        *step_changes(before, after),
    ]


def changed_steps(before: AnyFlow, after: AnyFlow) -> set[str]:
    """Ids of the steps that are not in both just as they were (wherever their cards stand)."""
    return {one.step for one in step_changes(before, after)}


def _document(before: AnyFlow, after: AnyFlow) -> Iterator[Change]:
    if before.name != after.name:
        said = f"The automation is now called “{after.name}”; it was “{before.name}”."
        yield Change("renamed", "document", said, "", "", "/name", before.name, after.name)
    if before.description != after.description:
        said = "The description changed." if after.description else "The description is gone."
        yield Change(
            "changed",
            "document",
            said,
            "",
            "",
            "/description",
            *_both(before, after, "description"),
        )
    if before.language != after.language:
        said = f"Language: {before.language} → {after.language}."
        yield Change(
            "changed", "document", said, "", "", "/language", before.language, after.language
        )
    if before.over_budget != after.over_budget:
        said = (
            "Marketing for somebody who has had their fill is now "
            f"{_BUDGET[after.over_budget]}; it was {_BUDGET[before.over_budget]}."
        )
        yield Change(
            "changed",
            "document",
            said,
            "",
            "",
            "/over_budget",
            *_both(before, after, "over_budget"),
        )


def _triggers(before: AnyFlow, after: AnyFlow) -> Iterator[Change]:
    for name, new in sorted(after.triggers.items()):
        old = before.triggers.get(name)
        where = pointer("triggers", name)
        if old is None or trigger_kind(old) != trigger_kind(new):
            if old is not None:
                yield _trigger_gone(name, old)
            said = f"It now starts by {_trigger_words(new)}."
            yield Change("added", "trigger", said, name, new.label, where, None, plain(new))
            continue
        for one in settings_changed(old, new):
            said = f"Start by {_trigger_words(old)}: {setting_words(one)}."
            yield Change(
                "changed", "trigger", said, name, new.label, where + one.field, one.old, one.new
            )
    for name, old in sorted(before.triggers.items()):
        if name not in after.triggers:
            yield _trigger_gone(name, old)


def _trigger_gone(name: str, old: Trigger) -> Change:
    said = f"It no longer starts by {_trigger_words(old)}."
    where = pointer("triggers", name)
    return Change("removed", "trigger", said, name, old.label, where, plain(old))


def _trigger_words(trigger: Trigger) -> str:
    said = trigger.summary()
    return f"“{said}”" if said and said != trigger.label else trigger.label


def _entry(before: Entry, after: Entry) -> Iterator[Change]:
    if before.policy != after.policy:
        said = f"Contacts may enter {POLICIES[after.policy]}; it was {POLICIES[before.policy]}."
        yield _entry_change(said, "policy", before, after)
    if before.not_again_within != after.not_again_within:
        old, new = _length(before.not_again_within), _length(after.not_again_within)
        said = _from_to("Not again within", old, new)
        yield _entry_change(said, "not_again_within", before, after)
    if before.condition != after.condition:
        old = in_words(before.condition) if before.condition else ""
        new = in_words(after.condition) if after.condition else ""
        yield _entry_change(_from_to("Enters only if", old, new), "condition", before, after)


def _entry_change(said: str, field: str, before: Entry, after: Entry) -> Change:
    old, new = _both(before, after, field)
    return Change("changed", "entry", said, "", "", f"/entry/{field}", old, new)


def _length(text: str | None) -> str:
    return duration_words(parse_duration(text)) if text else ""


def _from_to(what: str, old: str, new: str) -> str:
    if not new:
        return f"No longer: {what[:1].lower()}{what[1:]} {old}."
    return f"{what} {new}{f'; it was {old}' if old else ''}."


def _exit_rules(before: Sequence[ExitRule], after: Sequence[ExitRule]) -> Iterator[Change]:
    for place, rule in enumerate(after):
        if rule not in before:
            said = f"Runs now end at once when {rule_words(rule)}."
            yield Change(
                "added", "exit_rule", said, "", "", f"/exit_rules/{place}", None, plain(rule)
            )
    for place, rule in enumerate(before):
        if rule not in after:
            said = f"Runs no longer end at once when {rule_words(rule)}."
            yield Change("removed", "exit_rule", said, "", "", f"/exit_rules/{place}", plain(rule))


def rule_words(rule: ExitRule) -> str:
    """What ends a run, to follow “when”: `the contact replies`, `the tag “vip” is added`."""
    named = f"“{rule.name}”" if rule.name else ""
    match rule.on:
        case "replied":
            return "the contact replies"
        case "tag.added" | "tag.removed":
            return f"{f'the tag {named}' if named else 'a tag'} is {rule.on.partition('.')[2]}"
        case "list.joined" | "list.left":
            verb = "join" if rule.on == "list.joined" else "leave"
            return f"they {verb} {f'the list {named}' if named else 'a list'}"
        case "field.changed":
            return f"{f'the field {named}' if named else 'a field'} changes"
        case "link.clicked":
            return f"they open {f'a link with {named}' if named else 'a link'}"
        case "consent.changed":
            return "their consent changes"
        case "custom":
            return f"{named or 'an event of your own'} happens"
        case shop:
            return f"the shop reports “{shop.replace('.', ' ')}”"


def _start(before: AnyFlow, after: AnyFlow) -> Iterator[Change]:
    if before.start == after.start:
        return
    new = named(after, after.start)
    old = named(before, before.start)
    said = f"Runs begin with {new}" if new else "Nothing says where runs begin"
    said += f"; it was {old}." if old else "."
    yield Change("line", "document", said, "", "", "/start", before.start, after.start)


def _both(before: Struct, after: Struct, field: str) -> tuple[Any, Any]:
    return plain(getattr(before, field)), plain(getattr(after, field))


def in_short(found: Sequence[Change]) -> str:
    """How much changed, in one line: `2 steps added, 1 removed, 4 other changes`."""
    steps = [one for one in found if one.about == "step"]
    added = sum(one.kind == "added" for one in steps)
    removed = sum(one.kind == "removed" for one in steps)
    rest = len(found) - added - removed
    said = [
        f"{n} {word}{'' if n == 1 else 's'}{after}"
        for n, word, after in (
            (added, "step", " added"),
            (removed, "step", " removed"),
            (rest, "other change" if added or removed else "change", ""),
        )
        if n
    ]
    return ", ".join(said) or "Nothing changed"


def by_place(found: Sequence[Change]) -> Mapping[tuple[About, str], list[Change]]:
    """Changes grouped by what they are about: one group for each step and trigger."""
    groups: dict[tuple[About, str], list[Change]] = {}
    for one in found:
        groups.setdefault((one.about, one.step), []).append(one)
    return groups
