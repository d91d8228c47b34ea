"""What a batch of Persons asked for, as rows: one list per table, one statement per list.

Rule: `write` is called once, inside the transaction that also marks the events as handled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_never

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.asked import Call, Changed, Moved, Sent
from engine.person import Person
from flows.contact import BUILT_IN_FIELDS
from flows.content import Template, plain
from flows.effects import (
    AddNote,
    Assign,
    Block,
    ChangeLists,
    ChangeTags,
    SetConsent,
    SetField,
)
from store import contacts, desk, http_calls, lists, messages, notes, runs, templates, visits

LIVE_ANSWER, TRANSACTIONAL, MARKETING = 0, 1, 2


class Books:
    """Everything one batch writes."""

    def __init__(self, now: datetime, new_id: Callable[[], int]) -> None:
        self.now = now
        self.new_id = new_id
        self.new_runs: list[dict[str, Any]] = []
        self.old_runs: list[dict[str, Any]] = []
        self.visits: list[dict[str, Any]] = []
        self.counts: Counter[tuple[int, str, str]] = Counter()
        self.messages: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.recalled: list[int] = []
        self.tagged: list[tuple[int, int, str]] = []
        self.untagged: list[tuple[int, str]] = []
        self.joined: list[tuple[int, int, str]] = []
        self.left: list[tuple[int, int, str]] = []
        self.notes: list[dict[str, Any]] = []
        self.blocks: dict[int, bool] = {}
        self.assigned: dict[int, desk.Assigned] = {}
        self.fields: dict[int, dict[str, Any]] = {}
        self.consents: dict[int, SetConsent] = {}

    def add(self, company_id: int, person: Person) -> None:
        """Book what came of one contact."""
        contact_id = person.contact.id
        for moved in person.moved.values():
            self._run(company_id, contact_id, moved)
        for sent in person.sends:
            self.messages.append(self._message(company_id, contact_id, sent))
        for call in person.calls:
            self.calls.append(self._call(company_id, contact_id, call))
        self.recalled += person.recalled
        for changed in person.changes:
            self._change(company_id, contact_id, changed, person)

    def take_over(self, page: Books) -> None:
        """Add what was booked apart, once it is known to be whole."""
        self.new_runs += page.new_runs
        self.old_runs += page.old_runs
        self.visits += page.visits
        self.counts.update(page.counts)
        self.messages += page.messages
        self.calls += page.calls
        self.recalled += page.recalled
        self.tagged += page.tagged
        self.untagged += page.untagged
        self.joined += page.joined
        self.left += page.left
        self.notes += page.notes
        self.blocks |= page.blocks
        self.assigned |= page.assigned
        self.fields |= page.fields
        self.consents |= page.consents

    def _run(self, company_id: int, contact_id: int, moved: Moved) -> None:
        active, run = moved.active, moved.active.run
        row = {
            "id": run.id,
            "revision_id": active.revision_id,
            "status": run.status,
            "step": run.step,
            "seq": run.seq,
            "state": msgspec.to_builtins(run),
            "wait_until": run.wait.until if run.wait else None,
            "ended_at": None if run.status == "waiting" else self.now,
            "reason": run.reason,
        }
        if moved.new:
            self.new_runs.append(
                row
                | {
                    "company_id": company_id,
                    "automation_id": active.automation_id,
                    "contact_id": contact_id,
                    "trigger": moved.trigger,
                    "cart_id": moved.cart_id or None,
                    "started_at": self.now,
                }
            )
        else:
            self.old_runs.append(row)
        for visit in moved.trace:
            self._visit(company_id, active.automation_id, run.id, msgspec.structs.asdict(visit))
            name = "started" if visit.kind == "start" else visit.exit or visit.did
            self.counts[active.automation_id, visit.step, name] += 1

    def _visit(
        self, company_id: int, automation_id: int, run_id: int, line: dict[str, Any]
    ) -> None:
        self.visits.append(
            line
            | {
                "company_id": company_id,
                "automation_id": automation_id,
                "run_id": run_id,
                "exit": line["exit"] or None,
            }
        )

    def _message(self, company_id: int, contact_id: int, sent: Sent) -> dict[str, Any]:
        send = sent.send
        return {
            "id": self.new_id(),
            "company_id": company_id,
            "contact_id": contact_id,
            "run_id": sent.run_id or None,
            "automation_id": sent.automation_id or None,
            "step": send.step or None,
            "seq": send.seq,
            "direction": "out",
            "state": "queued",
            "kind": str(send.content.__struct_config__.tag),
            "content": msgspec.to_builtins(send.content),
            "preview": plain(send.content),
            "template": send.content.name if isinstance(send.content, Template) else None,
            "category": "service",
            "priority": LIVE_ANSWER if sent.answer else TRANSACTIONAL,
            "source": "automation" if sent.run_id else "system",
            "over_budget": sent.over_budget if sent.over_budget != "defer" else None,
            "due_at": self.now,
            "expires_at": send.expires_at,
            "created_at": self.now,
        }

    def _call(self, company_id: int, contact_id: int, call: Call) -> dict[str, Any]:
        return {
            "id": self.new_id(),
            "company_id": company_id,
            "contact_id": contact_id,
            "run_id": call.run_id,
            "seq": call.call.seq,
            "state": "queued",
            "request": msgspec.to_builtins(call.call),
            "due_at": self.now,
            "created_at": self.now,
        }

    def _change(self, company_id: int, contact_id: int, changed: Changed, person: Person) -> None:
        match changed.change:
            case ChangeTags(add=add, remove=remove):
                self.tagged += [(company_id, contact_id, tag) for tag in add - remove]
                self.untagged += [(contact_id, tag) for tag in remove]
            case ChangeLists(add=add, remove=remove):
                self.joined += [(company_id, contact_id, name) for name in add - remove]
                self.left += [(company_id, contact_id, name) for name in remove]
            case SetField(name=name):
                row = self.fields.setdefault(contact_id, {})
                if name in BUILT_IN_FIELDS:
                    row[name] = getattr(person.contact, name)
                else:
                    row["fields"] = person.contact.fields
            case SetConsent() as consent:
                self.consents[contact_id] = consent
            case AddNote(text=text):
                self.notes.append(
                    {
                        "company_id": company_id,
                        "contact_id": contact_id,
                        "text": text,
                        "run_id": changed.run_id or None,
                        "created_at": self.now,
                    }
                )
            case Block(blocked=blocked):
                self.blocks[contact_id] = blocked
            case Assign(to=to, hand_over=hand_over):
                self.assigned[contact_id] = desk.Assigned(
                    company_id, contact_id, changed.run_id, to, hand_over
                )
            case _ as never:
                assert_never(never)

    async def write(self, tx: AsyncConnection) -> None:
        """Write it all, one statement per table."""
        await runs.insert_many(tx, self.new_runs)
        await runs.update_many(tx, self.old_runs)
        await visits.insert_many(tx, self.visits)
        await visits.count(tx, self.counts)
        await messages.recall(tx, self.recalled, self.now)
        await http_calls.recall(tx, self.recalled, self.now)
        await self._fill_categories(tx)
        await messages.insert_many(tx, self.messages)
        await http_calls.insert_many(tx, self.calls)
        await self._write_contacts(tx)

    async def _fill_categories(self, tx: AsyncConnection) -> None:
        """A template's category and words are the template's own, not the flow's."""
        wanted = [row for row in self.messages if row["template"]]
        if not wanted:
            return
        keys = {(row["company_id"], row["template"], row["content"]["language"]) for row in wanted}
        known = await templates.find_many(tx, keys)
        for row in wanted:
            found = known.get((row["company_id"], row["template"], row["content"]["language"]))
            if found is None:
                continue  # the channel will say that it does not exist
            row["category"] = found.category.lower()
            row["preview"] = found.filled(row["content"].get("body", ()))
            if row["category"] == "marketing":
                row["priority"] = max(row["priority"], MARKETING) if row["priority"] else 0

    async def _write_contacts(self, tx: AsyncConnection) -> None:
        await contacts.untag_rows(tx, self.untagged)
        await contacts.tag_rows(tx, self.tagged, self.now)
        await lists.leave_rows(tx, self.left)
        await lists.join_rows(tx, self.joined, self.now)
        await notes.insert_many(tx, self.notes)
        await contacts.block(tx, [one for one, on in self.blocks.items() if on], self.now)
        await contacts.unblock(tx, [one for one, on in self.blocks.items() if not on], self.now)
        await desk.assign(tx, list(self.assigned.values()), self.now)
        await contacts.update_rows(tx, self.fields, self.now)
        out = [one for one, change in self.consents.items() if change.consent == "no"]
        back = [one for one, change in self.consents.items() if change.consent == "yes"]
        if out:
            await contacts.opt_out(tx, out, self.now, "message")
        if back:
            await contacts.opt_in(tx, back, self.now, "message")
