"""What a batch of Persons asked for, as rows: one list per table, one statement per list.

Rule: `write` is called once, inside the transaction that also marks the events as handled.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from engine import tally
from engine.asked import Call, Changed, Moved, Sent
from engine.links import tracked
from engine.person import Person
from flows.contact import BUILT_IN_FIELDS
from flows.content import Content, Template, plain
from flows.effects import (
    AddNote,
    Assign,
    Block,
    ChangeLists,
    ChangeTags,
    SetConsent,
    SetField,
)
from store import (
    contacts,
    desk,
    http_calls,
    links,
    lists,
    messages,
    notes,
    runs,
    step_days,
    templates,
    visits,
)

LIVE_ANSWER, TRANSACTIONAL, MARKETING = 0, 1, 2


class Books:
    """Everything one batch writes."""

    def __init__(self, now: datetime, new_id: Callable[[], int], public_url: str = "") -> None:
        self.now = now
        self.new_id = new_id
        self.public_url = public_url
        self.new_runs: list[runs.NewRun] = []
        self.old_runs: list[runs.MovedRun] = []
        self.visits: list[visits.NewLine] = []
        self.messages: list[messages.NewMessage] = []
        self.calls: list[http_calls.NewCall] = []
        self.links: list[dict[str, Any]] = []
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
        self.zones: dict[int, str] = {}  # of the companies
        self._lists: tuple[list[Any], ...] = (
            self.new_runs,
            self.old_runs,
            self.visits,
            self.messages,
            self.calls,
            self.links,
            self.recalled,
            self.tagged,
            self.untagged,
            self.joined,
            self.left,
            self.notes,
        )

    def add(self, company_id: int, person: Person) -> None:
        """Book what came of one contact: all of it, or nothing when something is wrong with it."""
        before = [len(book) for book in self._lists]
        contact_id = person.contact.id
        self.zones[company_id] = person.contact.company.zone
        try:
            for moved in person.moved.values():
                self._run(company_id, contact_id, moved)
            for sent in person.sends:
                self.messages.append(self._message(company_id, contact_id, sent))
            for call in person.calls:
                self.calls.append(self._call(company_id, contact_id, call))
            self.recalled += person.recalled
            for changed in person.changes:
                self._change(company_id, contact_id, changed, person)
        except Exception:
            for book, length in zip(self._lists, before, strict=True):
                del book[length:]
            for of_contact in (self.blocks, self.assigned, self.fields, self.consents):
                of_contact.pop(contact_id, None)
            raise

    def _run(self, company_id: int, contact_id: int, moved: Moved) -> None:
        active, run = moved.active, moved.active.run
        wait_until = run.wait.until if run.wait else None
        ended_at = None if run.status == "waiting" else self.now
        if moved.new:
            self.new_runs.append(
                runs.NewRun(
                    id=run.id,
                    company_id=company_id,
                    automation_id=active.automation_id,
                    revision_id=active.revision_id,
                    contact_id=contact_id,
                    trigger=moved.trigger,
                    status=run.status,
                    step=run.step,
                    seq=run.seq,
                    state=run,
                    wait_until=wait_until,
                    cart_id=moved.cart_id or None,
                    started_at=self.now,
                    ended_at=ended_at,
                    reason=run.reason,
                )
            )
        else:
            self.old_runs.append(
                runs.MovedRun(
                    id=run.id,
                    revision_id=active.revision_id,
                    status=run.status,
                    step=run.step,
                    seq=run.seq,
                    state=run,
                    wait_until=wait_until,
                    ended_at=ended_at,
                    reason=run.reason,
                )
            )
        self.visits += [
            visits.NewLine(
                company_id=company_id,
                run_id=run.id,
                automation_id=active.automation_id,
                step=visit.step,
                kind=visit.kind,
                seq=visit.seq,
                at=visit.at,
                did=visit.did,
                exit=visit.exit or None,
                why=visit.why,
                data=visit.data,
            )
            for visit in moved.trace
        ]

    def _message(self, company_id: int, contact_id: int, sent: Sent) -> messages.NewMessage:
        send, content = sent.send, self._content(company_id, contact_id, sent)
        return messages.NewMessage(
            id=self.new_id(),
            company_id=company_id,
            contact_id=contact_id,
            run_id=sent.run_id or None,
            automation_id=sent.automation_id or None,
            step=send.step or None,
            seq=send.seq,
            direction="out",
            state="queued",
            kind=str(content.__struct_config__.tag),
            content=content,
            preview=plain(content),
            template=content.name if isinstance(content, Template) else None,
            category="service",
            priority=LIVE_ANSWER if sent.answer else TRANSACTIONAL,
            source="automation" if sent.run_id else "system",
            over_budget=sent.over_budget if sent.over_budget != "defer" else None,
            due_at=self.now,
            expires_at=send.expires_at,
            created_at=self.now,
        )

    def _content(self, company_id: int, contact_id: int, sent: Sent) -> Content:
        """What is sent, its links led through ours where its step asks for that."""
        if not (sent.send.track_links and self.public_url):
            return sent.send.content
        content, made = tracked(sent.send.content, links.new_token, self.public_url)
        self.links += [
            {
                "token": token,
                "company_id": company_id,
                "contact_id": contact_id,
                "run_id": sent.run_id,
                "automation_id": sent.automation_id,
                "step": sent.send.step,
                "url": url,
                "created_at": self.now,
            }
            for token, url in made
        ]
        return content

    def _call(self, company_id: int, contact_id: int, call: Call) -> http_calls.NewCall:
        return http_calls.NewCall(
            id=self.new_id(),
            company_id=company_id,
            contact_id=contact_id,
            run_id=call.run_id,
            seq=call.call.seq,
            request=call.call,
            due_at=self.now,
            created_at=self.now,
        )

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
        await messages.recall(tx, self.recalled, self.now)
        await http_calls.recall(tx, self.recalled, self.now)
        await self._fill_categories(tx)
        await messages.insert_many(tx, self.messages)
        await http_calls.insert_many(tx, self.calls)
        await links.insert_many(tx, self.links)
        await self._write_contacts(tx)
        # Last: other workers count the same steps, and wait for us from here on.
        await visits.count(tx, tally.for_ever(self.visits))
        moved: list[runs.NewRun | runs.MovedRun] = [*self.new_runs, *self.old_runs]
        await step_days.count(tx, tally.by_day(self.visits, moved, self.zones, self.now))

    async def _fill_categories(self, tx: AsyncConnection) -> None:
        """A template's category and words are the template's own, not the flow's."""
        wanted = [
            (row, (row.company_id, row.content.name, row.content.language))
            for row in self.messages
            if isinstance(row.content, Template)
        ]
        known = await templates.find_many(tx, {key for _, key in wanted})
        for row, key in wanted:
            found = known.get(key)
            if found is None:
                continue  # the channel will say that it does not exist
            row.category = found.category.lower()
            row.preview = found.filled(row.content.body)
            if row.category == "marketing" and row.priority:
                row.priority = MARKETING

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
