"""Levers of one automation: pause it, put it away, try it out, say which goes first, end its runs.

Rule: every change is a resource that is put or deleted; the answer is the page as it is then.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, put
from litestar.params import FromPath

from store import automations, resolve
from store.addresses import Address
from store.numbers import parse_phone
from web.automations import levers
from web.automations.view import automation_page
from web.builder.levers import lever_answer, opened_anew
from web.given import Asker, Web
from web.shell.errors import RefusedError
from web.shell.render import Notice

EDITOR = {"role": "viewer", "change_role": "editor"}
NO_NUMBER = "This is not a phone number. Write it with the country, such as +39 333 1234567."


@put("/automations/{automation_id:int}/paused", opt=EDITOR)
async def pause(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Start nobody any more, and hold its messages."""
    async with web.database.write() as tx:
        await levers.pause(tx, who, automation_id, web.clock())
    return await lever_answer(request, automation_id, [Notice("Paused.")])


@delete("/automations/{automation_id:int}/paused", opt=EDITOR, status_code=200)
async def resume(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Let people in again, and messages out."""
    async with web.database.write() as tx:
        await levers.resume(tx, who, automation_id, web.clock())
    await web.bell.ring_engine()
    await web.bell.ring_gateway()
    return await lever_answer(request, automation_id, [Notice("Live again.")])


@put("/automations/{automation_id:int}/archived", opt=EDITOR)
async def archive(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Put it out of sight; whoever is inside leaves."""
    async with web.database.write() as tx:
        ended = await levers.archive(tx, who, automation_id, web.clock())
    await web.bell.ring_engine()
    said = f"Archived. {_runs(ended)} being ended." if ended else "Archived."
    anew = opened_anew(request, automation_id)
    return anew or await automation_page(request, automation_id, [Notice(said)])


@delete("/automations/{automation_id:int}/archived", opt=EDITOR, status_code=200)
async def take_out(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Bring it back."""
    async with web.database.write() as tx:
        await automations.restore(tx, who.company_id, automation_id, web.clock(), by=who.user_id)
    said = Notice("Taken out of the archive. It starts nobody until it is live.")
    anew = opened_anew(request, automation_id)
    return anew or await automation_page(request, automation_id, [said])


@put("/automations/{automation_id:int}/test", opt=EDITOR)
async def add_tester(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Let this contact in too while it is tried out; the first one begins the test."""
    form = await request.form()
    typed = str(form.get("phone", ""))[:40]
    phone = parse_phone(typed, who.country)
    if phone is None:
        return await automation_page(
            request, automation_id, status=422, test_error=NO_NUMBER, test_phone=typed
        )
    now = web.clock()
    async with web.database.write() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        address = Address("phone", phone)
        contact = await resolve.resolve(tx, who.company_id, [address], now=now)
        chosen = [*(found.test_contacts or []), contact]
        if len(set(chosen)) > levers.MOST_TESTERS:
            raise RefusedError(409, f"At most {levers.MOST_TESTERS} contacts try it out.")
        await levers.test_with(tx, who, automation_id, chosen, now)
    said = Notice("Only the contacts under “Test mode” may enter now.")
    return await automation_page(request, automation_id, [said])


@delete("/automations/{automation_id:int}/test/{contact_id:int}", opt=EDITOR, status_code=200)
async def remove_tester(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    contact_id: FromPath[int],
) -> Response[Any]:
    """Without the last one the test goes on, and nobody may enter."""
    async with web.database.write() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        if found.test_contacts is not None:
            rest = [one for one in found.test_contacts if one != contact_id]
            await automations.test_with(tx, who.company_id, automation_id, rest, web.clock())
    return await automation_page(request, automation_id)


@delete("/automations/{automation_id:int}/test", opt=EDITOR, status_code=200)
async def end_test(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Everybody may enter again."""
    async with web.database.write() as tx:
        await automations.test_with(tx, who.company_id, automation_id, None, web.clock())
    said = Notice("The test is over: everybody may enter who fits.")
    return await automation_page(request, automation_id, [said])


@put("/automations/{automation_id:int}/priority", opt=EDITOR)
async def set_priority(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Which of several goes first."""
    form = await request.form()
    typed = str(form.get("priority", "")).strip().replace("−", "-")[:10]
    wanted = int(typed) if typed.removeprefix("-").isdecimal() else None
    if wanted is None or not levers.LEAST_PRIORITY <= wanted <= levers.MOST_PRIORITY:
        said = f"A whole number from {levers.LEAST_PRIORITY} to {levers.MOST_PRIORITY}."
        return await automation_page(
            request, automation_id, status=422, priority_error=said, priority_given=typed
        )
    async with web.database.write() as tx:
        await automations.set_priority(tx, who.company_id, automation_id, wanted, web.clock())
    return await automation_page(request, automation_id, [Notice(f"Its priority is {wanted}.")])


def _runs(count: int) -> str:
    return "1 run is" if count == 1 else f"{count:,} runs are"


HANDLERS = (
    *(pause, resume, archive, take_out),
    *(add_tester, remove_tester, end_test, set_priority),
)
