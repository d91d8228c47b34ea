"""The simulator's addresses: the panel, a press of one of its buttons, contacts to copy, tests.

Rule: whoever may see an automation may try it out; only a test that is kept changes anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from engine import saved
from engine.as_test import PARTS, as_test
from engine.scenarios import Result
from engine.tryout import LIMIT, NoSessionError, Session, forget_beyond, read_session
from flows.contact import Contact
from store import contact_list, scenarios
from store.errors import InvalidError
from web.automations import reads
from web.builder.simulate import starts
from web.builder.simulate.acts import Given, WrongActError, acted
from web.builder.simulate.playable import Playable, playable
from web.builder.simulate.view import TOO_LONG, Played, answer, play
from web.builder.simulate.world import World, load, real_contact
from web.config import WebConfig
from web.given import Asker, Web
from web.security.who import Who
from web.shell.render import environment

VIEWER = {"role": "viewer", "change_role": "viewer"}
EDITOR = {"role": "viewer", "change_role": "editor"}
LARGEST = 4 * LIMIT  # bytes: the try-out, escaped, and a form
FOUND = 8  # contacts a search shows
LONGEST_NAME = 120
GONE = "This contact is not there any more. Here is the sample contact instead."
NOBODY = "You may not look at contacts. Here is the sample contact instead."


class Keep(Struct, frozen=True):
    """The form that keeps a test: what was given, what is wrong, or what was saved."""

    name: str = ""
    parts: tuple[str, ...] = PARTS
    wrong: str = ""
    saved: str = ""
    passes: bool = True


@get("/automations/{automation_id:int}/panel/simulate", opt=VIEWER)
async def show_simulator(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """A new try-out of the draft, as far as it goes by itself."""
    async with web.database.read() as tx:
        world = await load(tx, who.company_id, automation_id)
        tests = len(await scenarios.of_automation(tx, who.company_id, automation_id))
    draft = playable(world.automation.draft)
    session = new_session(world, draft, web)
    contact = structs.replace(session.contact, company=world.home)
    played = await _play(world, draft, session, contact)
    return answer(request, who, world, played, tests=tests)


@post(
    "/automations/{automation_id:int}/simulate",
    opt=VIEWER,
    status_code=200,
    request_max_body_size=LARGEST,
)
async def press(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """One button of the simulator: the try-out as it was comes along, and goes back changed."""
    form = _texts(await request.form())
    async with web.database.read() as tx:
        world = await load(tx, who.company_id, automation_id)
        tests = len(await scenarios.of_automation(tx, who.company_id, automation_id))
        draft = playable(world.automation.draft)
        session, wrong = _given(form, world, draft, web)
        contact, gone = await _contact(tx, who, world, session)
        if gone:
            session, wrong = structs.replace(session, contact_id=0, contact=contact), gone
        before = await _play(world, draft, session, contact)
        if not wrong and before.came is not None and draft.shown is not None:
            given = Given(draft.shown, before.came, form, world.home, who.zone, automation_id)
            try:
                session = acted(session, form.get("do", ""), given)
            except WrongActError as error:
                wrong = str(error)
        if session != before.session:
            contact, gone = await _contact(tx, who, world, session)
            if gone:
                session, wrong = structs.replace(session, contact_id=0, contact=contact), gone
        if before.too_long:  # by a change of the draft: it begins again
            session, wrong = structs.replace(session, acts=[]), TOO_LONG
    played = before
    if session != before.session or wrong:
        played = await _play(world, draft, session, contact)
        if played.too_long and before.came is not None:
            played, wrong, session = before, TOO_LONG, before.session
        if played.came is not None and form.get("do") in ("back", "from"):
            session = forget_beyond(session, len(played.came.asked))
            played = structs.replace(played, session=session)
    only_walk = form.get("only") == "walk"
    return answer(request, who, world, played, tests=tests, wrong=wrong, only_walk=only_walk)


@post(
    "/automations/{automation_id:int}/simulate/tests",
    opt=EDITOR,
    status_code=200,
    request_max_body_size=LARGEST,
)
async def keep_test(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """The try-out as a saved test, with what came of it as what is expected."""
    data = await request.form()
    form = _texts(data)
    parts = tuple(str(one) for one in data.getall("parts", []) if str(one) in PARTS)
    name = form.get("name", "").strip()
    async with web.database.read() as tx:
        world = await load(tx, who.company_id, automation_id)
        draft = playable(world.automation.draft)
        session, wrong = _given(form, world, draft, web)
        contact, gone = await _contact(tx, who, world, session)
    played = await _play(world, draft, session, contact)
    keep = Keep(name, parts, wrong or gone or _wrong_name(name))
    if not keep.wrong:
        keep = await _keep(who, web, world, played, keep)
    async with web.database.read() as tx:
        all_tests = await scenarios.of_automation(tx, who.company_id, automation_id)
    results = await saved.run_saved(all_tests, world.automation.draft) if keep.saved else []
    more = {"keep": keep, "results": results, "failed": _failed(results)}
    found = answer(request, who, world, played, tests=len(all_tests), more=more)
    return Response(
        found.content, media_type=MediaType.HTML, status_code=422 if keep.wrong else 200
    )


@get("/automations/{automation_id:int}/panel/simulate/tests", opt=VIEWER)
async def show_tests(who: Asker, web: Web, automation_id: FromPath[int]) -> Response[Any]:
    """All saved tests, run against the draft."""
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, who.company_id, automation_id)
        found = await scenarios.of_automation(tx, who.company_id, automation_id)
    results = await saved.run_saved(found, automation.draft)
    base = f"/automations/{automation_id}"
    values = {"base": base, "results": results, "failed": _failed(results)}
    return _part("tests.html", values)


@get("/automations/{automation_id:int}/panel/simulate/contacts", opt={"role": "agent"})
async def find_contacts(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Contacts by part of a name or number."""
    search = request.query_params.get("q", "").strip()[:120]
    async with web.database.read() as tx:
        await reads.get_automation(tx, who.company_id, automation_id)
        found = (
            await contact_list.page(tx, who.company_id, search=search, limit=FOUND)
            if search
            else []
        )
    values = {"base": f"/automations/{automation_id}", "found": found, "search": search}
    return _part("people.html", values)


def new_session(world: World, draft: Playable, web: WebConfig) -> Session:
    """The sample contact begins now, by the first trigger."""
    trigger, first = starts.BY_HAND, starts.sample(None, world.automation.id, starts.BY_HAND)
    if draft.shown is not None:
        trigger, first = starts.usual(draft.shown, world.automation.id)
    start = web.clock().replace(second=0, microsecond=0)
    return Session(start=start, first=first, trigger=trigger, contact=world.somebody())


def _given(
    form: Mapping[str, str], world: World, draft: Playable, web: WebConfig
) -> tuple[Session, str]:
    """The try-out that came along, on the draft as it is by now; else a new one, and why."""
    try:
        session = read_session(form.get("session", ""))
    except NoSessionError as error:
        return new_session(world, draft, web), str(error)
    return session, ""


async def _contact(
    tx: AsyncConnection, who: Who, world: World, session: Session
) -> tuple[Contact, str]:
    """Who goes through it, and why it is the sample after all."""
    if not session.contact_id:
        return structs.replace(session.contact, company=world.home), ""
    if not who.may("agent"):
        return world.somebody(), NOBODY
    found = await real_contact(tx, who.company_id, session.contact_id)
    return (found, "") if found is not None else (world.somebody(), GONE)


async def _play(world: World, draft: Playable, session: Session, contact: Contact) -> Played:
    """Beside the event loop: it has others to serve."""
    return await asyncio.to_thread(play, world, draft, session, contact)


async def _keep(who: Who, web: WebConfig, world: World, played: Played, keep: Keep) -> Keep:
    """Write the test, and see whether the draft passes it."""
    automation_id = world.automation.id
    if played.came is None:
        return structs.replace(keep, wrong=played.draft.why)
    try:
        made = as_test(
            played.session,
            played.contact,
            played.came,
            keep.name,
            keep.parts,
            words=world.words,
        )
        async with web.database.write() as tx:
            number = await scenarios.create(
                tx, who.company_id, automation_id, saved.plain(made), web.clock()
            )
            kept = await scenarios.get(tx, who.company_id, number)
            automation = await reads.get_automation(tx, who.company_id, automation_id)
    except (ValueError, InvalidError) as error:
        said = str(error)
        return structs.replace(keep, wrong=f"{said[:1].upper()}{said[1:]}.")
    [result] = await saved.run_saved([kept], automation.draft)
    return Keep(saved=keep.name, passes=result.passed)


def _failed(results: Sequence[Result]) -> int:
    return sum(not one.passed for one in results)


def _wrong_name(name: str) -> str:
    if not name:
        return "Give the test a name."
    return "A name has 120 characters at most." if len(name) > LONGEST_NAME else ""


def _texts(form: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in form.items() if isinstance(value, str)}


def _part(template: str, values: Mapping[str, Any]) -> Response[str]:
    body = environment().get_template(f"builder/simulate/{template}").render(values)
    return Response(body, media_type=MediaType.HTML)


HANDLERS = (show_simulator, press, keep_test, show_tests, find_contacts)
