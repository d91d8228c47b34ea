"""`tiptoe automation`: publish, look at revisions, pause and resume, without a browser.

Rule: what is refused in the pages is refused here, with the same words.
"""

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from tiptoe.errors import MistakeError
from tiptoe.options import company_option, json_option, tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from flows.diff_steps import Change
    from flows.problems import Problem
    from store.publishing import Planned, Published
    from store.revisions import Listed

HAS_ERRORS = 1


class NotDoneError(MistakeError):
    """The lever was not pulled; the message says why."""


@click.group()
def automation() -> None:
    """Publish automations, compare their revisions, pause and resume them."""


@automation.command()
@click.argument("automation_id", type=int)
@company_option
@click.option("--comment", default="", help="What changed and why.")
@click.option(
    "--move", "moves", multiple=True, metavar="STEP=STEP", help="Who waits in the first goes on."
)
@click.option("--leave", "leaves", multiple=True, metavar="STEP", help="Who waits there leaves.")
@click.option("--anyway", is_flag=True, help="Also when saved tests fail.")
@json_option
def publish(
    *,
    automation_id: int,
    company: int | None,
    comment: str,
    moves: tuple[str, ...],
    leaves: tuple[str, ...],
    anyway: bool,
    as_json: bool,
) -> None:
    """Make the draft of AUTOMATION_ID live.

    Contacts of older revisions stay in theirs unless --move or --leave names the step they wait in.
    Exit code 1, with all problems, when the draft has errors or fails one of its saved tests.
    """
    from engine import saved
    from flows.problems import Problem
    from store import automations, publishing
    from store.publishing import Unpublished
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings
    from web.automations.check import check, errors_in, known_of

    plan = _plan(moves, leaves)

    async def work(tx: "AsyncConnection", now: "datetime") -> "Published | list[Problem]":
        owner = await company_of(tx, company)
        held = await automations.hold(tx, owner.id, automation_id)
        wrong = errors_in(check(held.draft, await known_of(tx, owner.id))[1])
        if not wrong and not anyway:
            wrong = [
                Problem("error", f"“{one.name}”: {'; '.join(one.differences)}.", "saved test")
                for one in await saved.failing(tx, owner.id, automation_id, held.draft)
            ]
        if wrong:
            return wrong
        made = await publishing.publish(tx, owner.id, automation_id, None, comment, now, plan=plan)
        if isinstance(made, Unpublished):
            said = "\n".join([made.sentence, *(_line(one) for one in made.problems)])
            raise NotDoneError(said)
        return made

    made = change(load_settings(os.environ), work)
    if isinstance(made, list):
        for one in made:
            click.echo(_line(one), err=True)
        sys.exit(HAS_ERRORS)
    facts: dict[str, object] = {
        "revision": made.number,
        "new": made.new,
        "moved": made.moved,
        "ended": made.ended,
    }
    words = f"Revision {made.number} is live."
    if made.moved or made.ended:
        words += f" Asked to move: {made.moved}, to leave: {made.ended}."
    tell(facts, words, as_json=as_json)


@automation.command()
@click.argument("automation_id", type=int)
@company_option
@json_option
def revisions(*, automation_id: int, company: int | None, as_json: bool) -> None:
    """List the revisions of AUTOMATION_ID, newest first."""
    from store import automations
    from store import revisions as history
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    async def work(tx: "AsyncConnection", _: "datetime") -> "tuple[int | None, list[Listed]]":
        owner = await company_of(tx, company)
        found = await automations.get(tx, owner.id, automation_id)
        return found.live_revision_id, await history.page(tx, owner.id, automation_id)

    live, found = change(load_settings(os.environ), work)
    shown: list[dict[str, object]] = []
    lines = []
    for one in found:
        shown.append(
            {
                "number": one.number,
                "live": one.id == live,
                "published_at": one.published_at.isoformat(),
                "by": one.by,
                "comment": one.comment,
                "inside": one.inside,
            }
        )
        mark = "*" if one.id == live else " "
        at = f"{one.published_at:%Y-%m-%d %H:%M} UTC"
        lines.append(f"{mark} {one.number:4}  {at}  {one.inside:6} inside  {one.comment}".rstrip())
    words = "\n".join(lines) or "Nothing was published yet."
    tell({"revisions": shown}, words, as_json=as_json)


@automation.command()
@click.argument("automation_id", type=int)
@click.argument("before", default="")
@click.argument("after", default="draft")
@company_option
@json_option
def diff(
    *, automation_id: int, before: str, after: str, company: int | None, as_json: bool
) -> None:
    """Say what changed in AUTOMATION_ID from BEFORE to AFTER.

    Each is the number of a revision or “draft”; without them the newest revision and the draft.
    """
    import msgspec

    from flows.diff import in_short
    from store import automations
    from store import revisions as history
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings
    from web.automations import compare
    from web.shell.errors import RefusedError

    async def work(tx: "AsyncConnection", _: "datetime") -> "list[Change]":
        owner = await company_of(tx, company)
        await automations.get(tx, owner.id, automation_id)
        newest = await history.page(tx, owner.id, automation_id, limit=1)
        first = before or (str(newest[0].number) if newest else compare.DRAFT)
        try:
            old = await compare.side(tx, owner.id, automation_id, first)
            new = await compare.side(tx, owner.id, automation_id, after)
            return compare.between(old, new)
        except RefusedError as refused:
            raise NotDoneError(refused.detail) from refused

    found = change(load_settings(os.environ), work)
    if as_json:
        plain = {"summary": in_short(found), "changes": msgspec.to_builtins(found)}
        click.echo(json.dumps(plain, ensure_ascii=False))
        return
    for one in found:
        click.echo(one.sentence)
    if not found:
        click.echo(in_short(found) + ".")


@automation.command()
@click.argument("automation_id", type=int)
@company_option
@json_option
def pause(*, automation_id: int, company: int | None, as_json: bool) -> None:
    """Let nobody into AUTOMATION_ID any more, and hold its messages."""
    _switch(automation_id, company, live=False, as_json=as_json)


@automation.command()
@click.argument("automation_id", type=int)
@company_option
@json_option
def resume(*, automation_id: int, company: int | None, as_json: bool) -> None:
    """Let contacts into AUTOMATION_ID again."""
    _switch(automation_id, company, live=True, as_json=as_json)


def _switch(automation_id: int, company: int | None, *, live: bool, as_json: bool) -> None:
    from store import automations, campaigns
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    async def work(tx: "AsyncConnection", now: "datetime") -> str:
        owner = await company_of(tx, company)
        lever = automations.resume if live else automations.pause
        await lever(tx, owner.id, automation_id, now)
        if not live:
            await campaigns.take_back(tx, owner.id, automation_id)
        return (await automations.get(tx, owner.id, automation_id)).status

    status = change(load_settings(os.environ), work)
    wanted = "live" if live else "paused"
    if status != wanted:
        raise NotDoneError(f"Automation {automation_id} is not {wanted}: it is {status}.")
    tell({"id": str(automation_id), "status": status}, f"It is {status} now.", as_json=as_json)


def _plan(moves: "Sequence[str]", leaves: "Sequence[str]") -> "dict[str, Planned]":
    from store.publishing import Planned

    plan = {step: Planned("leave") for step in leaves}
    for one in moves:
        step, equals, to = one.partition("=")
        if not (step and equals and to):
            raise click.BadParameter(f"“{one}” must be STEP=STEP.", param_hint="--move")
        plan[step] = Planned("move", to)
    return plan


def _line(problem: "Problem") -> str:
    return " ".join(filter(None, (f"{problem.field}:", problem.sentence, problem.todo)))


COMMANDS = (automation,)
