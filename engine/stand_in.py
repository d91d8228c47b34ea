"""What stands in for the outside in a simulation: phone, webhooks, other automations. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs

from engine.person import Person
from engine.scene import Live, Start
from flows.contact import Contact
from flows.content import Buttons, Choices, Content, Tap, Template, Text, parse_payload
from flows.document import AnyFlow
from flows.effects import StartSubFlow
from flows.events import Event, Replied, Started, VerdictState
from flows.scenario import Answer
from steps.split import Split


class Leaving(Struct, frozen=True):
    """When a message would leave, and what then becomes of it. `why`: what holds it back or keeps
    it from being sent at all, in sentences.
    """

    at: datetime
    state: VerdictState = "sent"
    reason: str = ""
    why: tuple[str, ...] = ()


class StandIn(Person):
    """A person of a simulation: automations that are not there are answered by the script."""

    def __init__(self, *known: Any) -> None:
        super().__init__(*known)
        self.called: list[tuple[int, StartSubFlow]] = []

    def begin(self, live: Live, event: Started, now: datetime) -> None:
        """Start a run without asking who may enter, as a copy of a past run does."""
        self._start(Start(live, event.trigger, event.data, "started by the test"), now)
        while self._later:
            self._take(*self._later.popleft(), now)

    def _start_sub_flow(self, effect: StartSubFlow, run_id: int, now: datetime) -> None:
        if any(one.automation_id == effect.automation_id for one in self.live):
            super()._start_sub_flow(effect, run_id, now)
        else:
            self.called.append((run_id, effect))


def going(flow: AnyFlow, ways: Mapping[str, str]) -> AnyFlow:
    """The flow whose splits go the way that was chosen for them: step id to exit. Other steps, and
    exits that are not there, change nothing.
    """
    decided = {}
    for step_id, way in ways.items():
        step = flow.steps.get(step_id)
        if isinstance(step, Split) and any(one.exit == way for one in step.parts):
            parts = [structs.replace(one, weight=int(one.exit == way)) for one in step.parts]
            decided[step_id] = structs.replace(step, parts=parts)
    return structs.replace(flow, steps={**flow.steps, **decided}) if decided else flow


def answer_for(answers: Sequence[Answer], asked: Mapping[str, int], step: str) -> Answer:
    """The answer to this call of `step`; `asked` counts calls by step, and all as "".

    The closest rule wins: for this step before for any, for this call before for all.
    """
    found = [
        one for one in answers if one.step in ("", step) and one.call in (None, asked[one.step])
    ]
    return min(found, key=lambda one: (not one.step, one.call is None), default=Answer())


def changed(contact: Contact, values: Mapping[str, Any]) -> Contact:
    """The contact with other values, given as plain JSON. Raises ValidationError for wrong ones."""
    known = {name: getattr(contact, name) for name in Contact.__struct_fields__}
    plain: dict[str, Any] = msgspec.to_builtins(known)
    return msgspec.convert(plain | dict(values), Contact)


def tap_on(messages: Sequence[Content], option: str) -> Event:
    """A tap on the newest message that offers `option` (or `step.option`); plain words when none
    does.
    """
    for content in reversed(messages):
        for text, label in options(content):
            parsed = parse_payload(text)
            if parsed is not None and option in (parsed[2], f"{parsed[1]}.{parsed[2]}"):
                return Replied(label or parsed[2], Tap(text, label or parsed[2]))
    return Replied(option, Text(option))


def options(content: Content) -> Iterator[tuple[str, str]]:
    """`(payload, label)` of all that can be tapped."""
    match content:
        case Buttons(options=options) | Choices(options=options):
            for option in options:
                yield option.payload, option.label
        case Template(buttons=buttons, cards=cards):
            for button in (*buttons, *(one for card in cards for one in card.buttons)):
                if button.kind == "quick_reply":
                    yield button.value, ""
        case _:
            return
