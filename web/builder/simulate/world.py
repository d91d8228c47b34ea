"""What a try-out takes from the company: the draft, its rules of sending, its templates.

Rule: read once per request, in a handful of statements; nothing is written.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.runner import words_of
from engine.scene import Words
from flows.contact import Company, Contact
from flows.content import Template as TemplateContent
from flows.scenario import SOMEBODY
from store import companies, house, phones, snapshots, templates
from store.companies import Company as Firm
from store.house import SendingRules
from store.templates import Template
from web.automations import reads

WITHOUT_WINDOW = frozenset(("neonize",))  # kinds of phones that may write to anybody at any time


class World(Struct, frozen=True):
    """All that is known. `home`: the company as flows see it; `firm` and `rules`: as the gateway
    does; `windowed`: whether free-form messages need an open service window.
    """

    automation: reads.Automation
    home: Company
    firm: Firm
    rules: SendingRules
    words: Words
    templates: dict[tuple[str, str], Template]
    windowed: bool

    def template(self, content: TemplateContent) -> Template | None:
        """The template that a message is made of, if the company has it."""
        return self.templates.get((content.name, content.language))

    def somebody(self) -> Contact:
        """The sample contact: like the company's own customers."""
        return Contact(
            id=SOMEBODY.id,
            name=SOMEBODY.name,
            first_name=SOMEBODY.first_name,
            last_name=SOMEBODY.last_name,
            phone=SOMEBODY.phone,
            email="ada@example.com",
            language=self.home.language,
            country=self.home.country,
            zone=self.home.zone,
        )


async def load(tx: AsyncConnection, company_id: int, automation_id: int) -> World:
    """The world of an automation of this company. Raises NotFoundError."""
    automation = await reads.get_automation(tx, company_id, automation_id)
    home, settings = (await snapshots.homes(tx, [company_id]))[company_id]
    firm = await companies.get(tx, company_id)
    rules = house.rules_for(settings, await house.settings(tx))
    found = await templates.of_company(tx, company_id)
    own = await phones.of_company(tx, company_id)
    return World(
        automation=automation,
        home=home,
        firm=firm,
        rules=rules,
        words=words_of(settings),
        templates={(one.name, one.language): one for one in found},
        windowed=not any(one.kind in WITHOUT_WINDOW for one in own),
    )


async def real_contact(tx: AsyncConnection, company_id: int, contact_id: int) -> Contact | None:
    """A copy of a contact as flows see them; None for somebody who is not this company's."""
    found = (await snapshots.snapshots(tx, [contact_id])).get(contact_id)
    return found.contact if found is not None and found.company_id == company_id else None


def facts(contact: Contact) -> dict[str, Any]:
    """What texts and conditions may name of somebody, for people: all that is not empty."""
    known = contact.words()
    hidden = ("id", "fields", "blocked", "handed_over", "created", "last_written_to", "last_seen")
    shown = {name: value for name, value in known.items() if name not in hidden and value}
    return {
        **shown,
        **{key: value for key, value in contact.fields.items() if value not in (None, "")},
    }
