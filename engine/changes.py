"""What is different about a contact after a run has acted, as events for everybody else. PURE."""

from __future__ import annotations

from collections.abc import Iterator

from flows.contact import BUILT_IN_FIELDS, Contact
from flows.events import ConsentChanged, Event, FieldChanged, ListsChanged, TagsChanged


def changes_of(before: Contact, after: Contact, run_id: int, chain: int) -> Iterator[Event]:
    """Tags, lists, fields and consent that `run_id` changed; `chain`: how deep it goes already."""
    if after.tags != before.tags:
        yield TagsChanged(after.tags - before.tags, before.tags - after.tags, chain)
    if after.lists != before.lists:
        yield ListsChanged(after.lists - before.lists, before.lists - after.lists, chain)
    for name in BUILT_IN_FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield FieldChanged(name, old or None, new or None, chain)
    if after.fields != before.fields:
        for name in sorted(before.fields.keys() | after.fields.keys()):
            was, now_is = before.fields.get(name), after.fields.get(name)
            if was != now_is:
                yield FieldChanged(name, was, now_is, chain)
    if after.consent == "unknown":
        return
    if after.consent != before.consent:
        yield ConsentChanged(after.consent, "automation", run_id, chain)
