"""`tiptoe flow`: check a flow document, play it and test it, without sending anything."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from tiptoe.options import company_option, json_option

if TYPE_CHECKING:
    from flows.problems import Problem

HAS_ERRORS = 1
"""The exit code for a document that was read and cannot be used."""
LONGEST_DAYS = 3650
COLOURS = {"error": "red", "warning": "yellow", "hint": "blue"}


@click.group()
def flow() -> None:
    """Check, try and test flow documents; only stored ones need a database."""


@flow.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(file: str, *, as_json: bool) -> None:
    """List all problems of the flow document FILE (- for standard input).

    Exit code 0: no errors, though maybe warnings. 1: errors. 2: not readable, or not JSON.
    """
    from engine.kinds import catalog
    from tiptoe.flow_files import read_json

    document, problems = catalog().check(read_json(file))
    if as_json:
        click.echo(json.dumps(_report(file, problems), ensure_ascii=False, indent=2))
    elif problems:
        _tell(problems)
        click.echo(f"{file}: {_count(problems)}.")
    else:
        steps = len(document.steps) if document is not None else 0
        click.echo(f"{file}: nothing is wrong ({steps} steps).")
    _leave_when_wrong(problems)


@flow.command()
@click.argument("file")
@click.option("--events", metavar="FILE", help="A script of what the customer and the shop do.")
@click.option("--as", "contact_file", metavar="FILE", help="The contact, as JSON.")
@click.option("--trigger", metavar="NAME", help="Start by this trigger; without it, by the first.")
@click.option("--say", metavar="TEXT", help="Start by this message of the customer.")
@click.option("--data", "data_file", metavar="FILE", help="What the start brings along, as JSON.")
@click.option(
    "--days",
    type=click.FloatRange(0, LONGEST_DAYS),
    default=30,
    show_default=True,
    help="Stop after this time.",
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="When it begins, in the contact's time zone; without it, now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def simulate(
    file: str,
    *,
    events: str | None,
    contact_file: str | None,
    trigger: str | None,
    say: str | None,
    data_file: str | None,
    days: float,
    start: datetime | None,
    as_json: bool,
) -> None:
    """Play the flow document FILE under a fake clock and print what happens.

    A script is a JSON list. Each entry says when, by "after" (such as "2h", from the start) or by
    "on_message" (the n-th message, plus "after"), and what: "say", "tap" (an option's id), "event",
    or the "verdict" of that message (sent, failed, suppressed, expired).

    Exit code 1 when the flow has errors, does not start or fails.
    """
    from zoneinfo import ZoneInfo

    import msgspec

    from engine.kinds import catalog
    from engine.simulator import Pretend
    from engine.simulator import simulate as play
    from flows.scenario import SOMEBODY
    from tiptoe.clock import real_clock
    from tiptoe.flow_files import read_contact, read_json, read_object, read_script
    from tiptoe.rehearsal import first_event, text_of

    document, problems = catalog().check(read_json(file))
    if document is None or any(problem.severity == "error" for problem in problems):
        _tell(problems, err=True)
        click.echo(f"{file}: {_count(problems)}; not simulated.", err=True)
        sys.exit(HAS_ERRORS)
    contact = read_contact(contact_file) if contact_file else SOMEBODY
    script = read_script(events) if events else []
    data = read_object(data_file) if data_file else None
    begins = (
        start.replace(tzinfo=ZoneInfo(contact.zone)).astimezone(UTC)
        if start
        else real_clock().replace(second=0, microsecond=0)
    )
    world = Pretend(contact=contact, start=begins, lasts=timedelta(days=days))
    transcript = play(document, first_event(document, trigger, say, data), script, world)
    if as_json:
        plain = msgspec.to_builtins(transcript)
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
    else:
        for line in text_of(document, transcript, contact):
            click.echo(line)
    if transcript.status in ("not started", "failed"):
        sys.exit(HAS_ERRORS)


@flow.command()
@click.argument("file", required=False)
@click.option("--tests", "tests_file", metavar="FILE", help="The tests: one, or a list, as JSON.")
@click.option("--automation", type=int, metavar="ID", help="A stored automation and its tests.")
@click.option("--revision", type=int, metavar="NUMBER", help="Of the automation; else its draft.")
@company_option
@json_option
def test(
    *,
    file: str | None,
    tests_file: str | None,
    automation: int | None,
    revision: int | None,
    company: int | None,
    as_json: bool,
) -> None:
    """Run tests against the flow document FILE, or those saved with a stored automation.

    Nothing is sent and nothing is stored. Exit code 0: all passed. 1: some did not.
    """
    from tiptoe.tests_of import of_automation, of_file

    if (file is None) == (automation is None) or (file is not None) != (tests_file is not None):
        raise click.UsageError("Give FILE with --tests, or --automation with its id.")
    if file is not None and tests_file is not None:
        results = of_file(file, tests_file)
    else:
        results = of_automation(automation or 0, revision, company)
    failed = [one for one in results if not one.passed]
    if as_json:
        told = [
            {"name": one.name, "passed": one.passed, "differences": one.differences}
            for one in results
        ]
        click.echo(json.dumps({"ok": not failed, "tests": told}, ensure_ascii=False, indent=2))
    else:
        for one in results:
            mark = click.style("✓", fg="green") if one.passed else click.style("✗", fg="red")
            click.echo(f"{mark} {one.name}")
            for difference in one.differences:
                click.echo(f"    {difference}")
        count = len(results)
        click.echo(f"{count - len(failed)} of {count} passed." if count else "There are no tests.")
    if failed:
        sys.exit(HAS_ERRORS)


def _report(file: str, problems: "list[Problem]") -> dict[str, object]:
    severities = [problem.severity for problem in problems]
    return {
        "file": file,
        "ok": "error" not in severities,
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "problems": [
            {name: getattr(problem, name) for name in problem.__struct_fields__}
            for problem in problems
        ],
    }


def _tell(problems: "list[Problem]", *, err: bool = False) -> None:
    for problem in problems:
        severity = click.style(f"{problem.severity:8}", fg=COLOURS[problem.severity], bold=True)
        where = "  ".join(filter(None, (problem.step, problem.field))) or "the document"
        click.echo(f"{severity} {where}", err=err)
        click.echo(f"         {problem.sentence}", err=err)
        if problem.todo:
            click.echo(f"         → {problem.todo}", err=err)


def _count(problems: "list[Problem]") -> str:
    severities: list[str] = [problem.severity for problem in problems]
    said = [
        f"{count} {severity}{'' if count == 1 else 's'}"
        for severity in COLOURS
        if (count := severities.count(severity))
    ]
    return ", ".join(said) or "no problems"


def _leave_when_wrong(problems: "list[Problem]") -> None:
    if any(problem.severity == "error" for problem in problems):
        sys.exit(HAS_ERRORS)


COMMANDS = (flow,)
