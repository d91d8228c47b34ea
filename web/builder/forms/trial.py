"""Try it: the request of a step as it would be made for an example contact, really made once.

Rule: it goes out by the same door as every webhook, so that no private address is reached; nothing
of the draft changes, and no secret comes back into the page.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath
from msgspec import Struct

from engine.outside import client
from engine.webhooks import Attempt, attempt
from flows.editing import EditRefused
from flows.editing.changes import Edit
from flows.effects import CallWebhook
from flows.problems import pointer
from flows.run import Run
from flows.secrets import VEIL
from flows.step import Context, Leave, Step, Wait
from flows.trouble import FlowError
from store import companies
from web.automations import reads
from web.builder.draft.commit import commit
from web.builder.draft.patches import patches, refusal
from web.builder.draft.routes import version_of
from web.builder.forms.answer import partials
from web.builder.forms.around import Around, read_around
from web.builder.forms.form import example_values
from web.builder.forms.panel import Settings, settings_of
from web.builder.forms.read import is_secret
from web.builder.forms.routes import GONE, address_of
from web.config import WebConfig
from web.given import Asker, Web
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import page

EDITOR = {"role": "editor"}
SHOWN = 4_000  # characters of a body that are shown
VALUES = 40  # values of an answer that can be picked
DEEPEST = 5
NO_REQUEST = "This step makes no request."
UNREAD = "This step cannot be read yet. Solve its problems first."
LONGEST_PATH = 200


class Value(Struct, frozen=True):
    """One value of an answer, by its dotted path."""

    path: str
    words: str


class Trial(Struct, kw_only=True):
    """What was asked, and what came back. `trouble` is why nothing was asked."""

    trouble: str = ""
    method: str = ""
    url: str = ""
    headers: list[tuple[str, str]] = []
    body: str = ""
    ok: bool = False
    status: int = 0
    reason: str = ""
    took_ms: int = 0
    answer: str = ""
    values: list[Value] = []


@post("/automations/{automation_id:int}/draft/steps/{step:str}/trial", opt=EDITOR, status_code=200)
async def try_step(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    step: FromPath[str],
) -> Response[Any]:
    """Make the request once, for an example contact, and show what came of it."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        around = await read_around(tx, who.company_id, automation_id)
    settings = settings_of(found.draft, step, around)
    if settings is None:
        raise RefusedError(404, GONE)
    trial = await _trial(settings, who, web)
    fields = [(one.key, one.label) for one in around.fields]
    values = {"trial": trial, "fields": fields, "address": address_of(automation_id, step)}
    return page(request, "builder/forms/trial_answer.html", values)


@post("/automations/{automation_id:int}/draft/steps/{step:str}/kept", opt=EDITOR, status_code=200)
async def keep_value(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    step: FromPath[str],
) -> Response[Any]:
    """Save a value of the answer: in a field of the contact, or by a name for later steps."""
    form = await request.form()
    path, to = str(form.get("path", "")).strip()[:LONGEST_PATH], str(form.get("to", ""))
    version = version_of(form.get("version"))
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        around = await read_around(tx, who.company_id, automation_id)
    before = settings_of(found.draft, step, around)
    if before is None or not path or not to:
        raise RefusedError(422, "Choose a value of the answer, and what it is kept as.")
    setting, name = ("save_fields", to[6:]) if to.startswith("field:") else ("save", _name_of(path))
    kept = before.form.sections[""].raw.get(setting)
    value = {**(kept if isinstance(kept, Mapping) else {}), name: path}
    changes = [Edit(before.form.root + pointer(setting), value)]
    try:
        done = await commit(request, who, web, automation_id, changes, version=version)
    except EditRefused as refused:
        return await refusal(request, automation_id, refused, version=version)
    return await patches(request, done, _redrawn(before, done.after, around, automation_id, web))


def _redrawn(
    before: Settings,
    document: Mapping[str, Any],
    around: Around,
    automation_id: int,
    web: WebConfig,
) -> str:
    step = before.form.step
    after = settings_of(document, step, around)
    if after is None:
        return ""
    return partials(before, after, "", {}, address_of(automation_id, step), web.clock())


def _name_of(path: str) -> str:
    """A name for later steps, made of the end of a path: `data.points` -> `points`."""
    last = path.rpartition(".")[2]
    letters = "".join(char if char.isascii() and char.isalnum() else "_" for char in last)[:60]
    return letters if letters[:1].isalpha() else f"value_{letters}".rstrip("_")


async def _trial(settings: Settings, who: Who, web: WebConfig) -> Trial:
    if settings.step is None:
        return Trial(trouble=UNREAD)
    call = _request_of(settings.step, settings, web.clock())
    if isinstance(call, str):
        return Trial(trouble=call)
    key = ""
    if call.sign:
        async with web.database.write("builder.trial") as tx:
            key = (await companies.webhook_secrets(tx, {who.company_id}))[who.company_id]
    number = -1 - secrets.randbelow(2**31)  # no call of a run has it, and no other trial
    began = time.monotonic()
    async with client(allow_private=web.allow_private_webhooks) as through:
        answered = await attempt(through, number, call, key, web.real_clock())
    return _told(call, answered, round(1000 * (time.monotonic() - began)))


def _request_of(step: Step, settings: Settings, now: datetime) -> CallWebhook | str:
    """The request the step makes for the example contact, or why it makes none."""
    form = settings.form
    run = Run(id=1, step=form.step, variables=example_values(settings.read))
    context = Context(
        run, form.step, 1, form.around.somebody, now, 1, settings.read.steps, form.language
    )
    try:
        outcome = step.enter(context)
    except (FlowError, ValueError) as error:
        return f"It cannot be tried: {error}."
    if isinstance(outcome, Leave):
        return f"It cannot be tried: {outcome.why}."
    effects = outcome.effects if isinstance(outcome, Wait) else ()
    return next((one for one in effects if isinstance(one, CallWebhook)), NO_REQUEST)


def _told(call: CallWebhook, answered: Attempt, took_ms: int) -> Trial:
    headers = [
        (name, VEIL if is_secret(name, value) else value) for name, value in call.headers.items()
    ]
    return Trial(
        method=call.method,
        url=call.url,
        headers=headers,
        body=call.body[:SHOWN],
        ok=answered.ok,
        status=answered.status,
        reason=answered.reason,
        took_ms=took_ms,
        answer=_pretty(answered.body)[:SHOWN],
        values=list(_values(answered.body))[:VALUES],
    )


def _pretty(body: Any) -> str:
    if body is None:
        return ""
    return body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)


def _values(body: Any, path: str = "", depth: int = 0) -> Iterator[Value]:
    """Every value in a decoded answer that fits into a field."""
    if depth > DEEPEST:
        return
    if isinstance(body, dict):
        for name, inner in body.items():
            if "." not in str(name):
                yield from _values(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(body, list):
        for number, inner in enumerate(body[:3]):
            yield from _values(inner, f"{path}.{number}" if path else str(number), depth + 1)
    elif path and body is not None and len(path) <= LONGEST_PATH:
        words = "yes" if body is True else "no" if body is False else str(body)
        yield Value(path, words[:80])


HANDLERS = (try_step, keep_value)
