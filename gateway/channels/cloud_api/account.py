"""A business account at Meta: its templates, read and changed.

Rule: as with sends, one request and no second try; what Meta says is passed on in its own words.
"""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Struct
from yarl import URL

from gateway.channel import LocalFile, PhoneAccess, SendError
from gateway.channels.cloud_api.answers import refusal
from gateway.channels.cloud_api.shapes import decode, obj, objects, text
from gateway.channels.cloud_api.wire import MALFORMED, Answer, Way, Wire

FIELDS = "id,name,language,status,category,components,quality_score,rejected_reason"
AT_ONCE = "100"
MOST_PAGES = 100  # of a hundred; the largest accounts have six thousand templates

Json = dict[str, Any]


class Made(Struct, frozen=True):
    """A template that Meta took in: its id there, and what it says about it so far."""

    remote_id: str
    status: str
    category: str


class Account:
    """The account `account_id`, with the access of one of its phones."""

    def __init__(self, wire: Wire, phone: PhoneAccess, account_id: str) -> None:
        self.wire = wire
        self.phone = phone
        self.account_id = account_id

    async def templates(self) -> list[Json] | SendError:
        """All its templates, as rows of `store.templates`."""
        found: list[Json] = []
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            query = {"fields": FIELDS, "limit": AT_ONCE} | after
            page = await self._ask("GET", (self.account_id, "message_templates"), query=query)
            if isinstance(page, SendError):
                return page
            rows = (template_row(one, self.account_id) for one in objects(page.get("data")))
            found += [row for row in rows if row is not None]
            paging = obj(page.get("paging"))
            cursor = text(obj(paging.get("cursors")).get("after"))
            if not cursor or not paging.get("next"):
                break
            after = {"after": cursor}
        return found

    async def create(self, template: Json) -> Made | SendError:
        """Hand a new template in (`name`, `language`, `category`, `components`)."""
        path = (self.account_id, "message_templates")
        answer = await self._ask("POST", path, body=template)
        if isinstance(answer, SendError):
            return answer
        category = text(answer.get("category")) or text(template.get("category"))
        return Made(text(answer.get("id")), text(answer.get("status")) or "PENDING", category)

    async def edit(self, remote_id: str, changes: Json) -> SendError | None:
        """Change a template (`components`, `category`); Meta looks at it again."""
        answer = await self._ask("POST", (remote_id,), body=changes)
        return answer if isinstance(answer, SendError) else None

    async def delete(self, name: str, remote_id: str) -> SendError | None:
        """Delete one language of a template."""
        query = {"name": name} | ({"hsm_id": remote_id} if remote_id else {})
        path = (self.account_id, "message_templates")
        answer = await self._ask("DELETE", path, query=query)
        return answer if isinstance(answer, SendError) else None

    async def example(self, file: LocalFile) -> str | SendError:
        """Show Meta the file of a header; the handle that stands for it in `create`."""
        app = await self._ask("GET", ("app",))
        if isinstance(app, SendError):
            return app
        size = await asyncio.to_thread(lambda: file.path.stat().st_size)
        query = {
            "file_name": file.filename or file.path.name,
            "file_length": str(size),
            "file_type": file.mime_type,
        }
        opened = await self._ask("POST", (text(app.get("id")), "uploads"), query=query)
        if isinstance(opened, SendError):
            return opened
        way = self.wire.way(self.phone)
        if way is None:
            return MALFORMED
        headers = {"Authorization": f"OAuth {self.phone.token}", "file_offset": "0"}
        data = await asyncio.to_thread(file.path.read_bytes)
        # The id has a signature behind a question mark: it goes back as it came.
        url = URL(f"{way.base}/{text(opened.get('id'))}", encoded=True)
        sent = await self.wire.send_bytes(way, url, data, **headers)
        answer = _read(sent)
        return answer if isinstance(answer, SendError) else text(answer.get("h"))

    async def _ask(
        self,
        method: Any,
        path: tuple[str, ...],
        *,
        query: dict[str, str] | None = None,
        body: Json | None = None,
    ) -> Json | SendError:
        way: Way | None = self.wire.way(self.phone)
        if way is None:
            return MALFORMED
        return _read(await self.wire.ask(way, method, way.to(*path, **(query or {})), body))


def _read(answer: Answer | SendError) -> Json | SendError:
    if isinstance(answer, SendError):
        return answer
    return obj(decode(answer.body)) if answer.fine else refusal(answer.status, answer.body)


def template_row(template: Json, account_id: str) -> Json | None:
    """A template of Meta's list as a row of `store.templates`; None for what is none."""
    name, language = text(template.get("name")), text(template.get("language"))
    if not name or not language:
        return None
    return {
        "account_id": account_id,
        "name": name,
        "language": language,
        "category": text(template.get("category")).upper(),
        "status": text(template.get("status")).upper(),
        "quality": text(obj(template.get("quality_score")).get("score")).upper() or "UNKNOWN",
        "components": objects(template.get("components")),
        "remote_id": text(template.get("id")) or None,
        "rejected_because": because(text(template.get("rejected_reason"))),
    }


REASONS = {
    "ABUSIVE_CONTENT": "WhatsApp found it abusive.",
    "CATEGORY_NOT_AVAILABLE": "Its category is not available to this account.",
    "INCORRECT_CATEGORY": "It belongs to another category: advertising is MARKETING.",
    "INVALID_FORMAT": "Its form is not right: look at variables, examples and links.",
    "PROMOTIONAL": "It advertises, which its category does not allow.",
    "SCAM": "WhatsApp took it for fraud.",
    "TAG_CONTENT_MISMATCH": "Its text does not fit its language or category.",
    "NONE": "",
}


def because(reason: str) -> str:
    """Meta's reason for a rejection, in words; what is words already stays."""
    return REASONS.get(reason.upper(), reason)
