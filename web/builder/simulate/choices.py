"""What of the world outside can be chosen in a try-out: where splits go, what systems answer.

Rule: pure; only what the draft really asks the outside is offered.
"""

from __future__ import annotations

import json

from msgspec import Struct

from engine.tryout import Session
from flows.document import AnyFlow
from flows.scenario import Answer
from steps.split import Split
from steps.sub_flow import SubFlow
from steps.webhook import Webhook
from web.automations.outline import title

STATUSES = (
    ("", "200 OK"),
    ("404", "404 not found"),
    ("500", "500 its own fault"),
    ("none", "No answer"),
)
FAILED, WITH_RESULT = "!", "="  # how another automation ends, before its result if it has one
VERDICTS = (
    ("", "Sent"),
    ("failed", "Failed"),
    ("suppressed", "Not sent"),
    ("expired", "Expired"),
)


class Choice(Struct, frozen=True):
    """One thing to choose: a select of `options`, with a free text beside it where `text` is not
    None.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str
    text_name: str = ""
    text_label: str = ""
    text: str | None = None


def choices(flow: AnyFlow, session: Session) -> list[Choice]:
    """All of them, in the order of the steps."""
    answers = {one.step: one for one in session.answers}
    found: list[Choice] = []
    for step_id, step in flow.steps.items():
        called = title(step)
        match step:
            case Split(parts=parts):
                ways = tuple((one.exit, one.label or one.exit) for one in parts)
                options = (("", "By chance"), *ways)
                chosen = session.splits.get(step_id, "")
                found.append(Choice(f"split-{step_id}", f"{called} goes", options, chosen))
            case Webhook():
                found.append(_webhook(step_id, called, answers.get(step_id)))
            case SubFlow():
                found.append(_sub_flow(step_id, called, step, answers.get(step_id)))
            case _:
                pass
    return found


def _webhook(step_id: str, called: str, answer: Answer | None) -> Choice:
    chosen, body = "", ""
    if answer is not None:
        chosen = "none" if not answer.status else str(answer.status)
        chosen = "" if chosen == "200" else chosen
        body = "" if answer.body is None else json.dumps(answer.body, ensure_ascii=False)
    options: tuple[tuple[str, str], ...] = STATUSES
    if chosen not in dict(STATUSES):
        options = (*STATUSES, (chosen, chosen))
    return Choice(
        f"answer-{step_id}",
        f"{called} answers",
        options,
        chosen,
        f"body-{step_id}",
        f"with (JSON, for {called})",
        body,
    )


def _sub_flow(step_id: str, called: str, step: SubFlow, answer: Answer | None) -> Choice:
    results = tuple(
        (f"{WITH_RESULT}{one.result}", f"with “{one.label or one.result}”") for one in step.results
    )
    chosen = ""
    if answer is not None:
        chosen = FAILED if answer.failed else f"{WITH_RESULT}{answer.result}"
    options = (("", "well"), *results, (FAILED, "without its end"))
    return Choice(f"ended-{step_id}", f"{called} ends", options, chosen)
