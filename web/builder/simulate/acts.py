"""What a press of a button means for a try-out: the same list of happenings, longer or shorter.

Rule: pure. A press that makes no sense is answered by a sentence, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs

from engine.rehearsal import Rehearsal
from engine.tryout import EARLIEST, LATEST, LONGEST, Session, answered, choose, goes
from flows.contact import Company
from flows.content import Location, Media, Tap, Text, plain
from flows.document import AnyFlow
from flows.events import Event, Replied
from web.builder.simulate import starts
from web.builder.simulate.choices import FAILED, WITH_RESULT
from web.builder.simulate.happenings import happenings
from web.builder.simulate.people import WrongPersonError, filled_in

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST_NUMBER = 3  # digits of a status, and of the number of an act
NOTHING_AHEAD = "Nothing more happens by itself."
SENT_FILES: Mapping[str, Media] = {
    "image": Media("image", mime_type="image/jpeg", filename="photo.jpg"),
    "audio": Media("audio", mime_type="audio/ogg"),
    "document": Media("document", mime_type="application/pdf", filename="document.pdf"),
}
SOMEWHERE = Location(45.4642, 9.19, "Piazza del Duomo", "Milan")


class WrongActError(Exception):
    """Why nothing was changed, in a sentence."""


class Given(Struct, frozen=True):
    """What an act is told: the flow, how far the try-out `came`, the form, and the company (`home`,
    with the `zone` of its clocks).
    """

    flow: AnyFlow
    came: Rehearsal
    form: Mapping[str, str]
    home: Company
    zone: ZoneInfo
    automation_id: int

    def text(self, name: str) -> str:
        """A field of the form; "" when it is not there."""
        return str(self.form.get(name, "")).strip()


def acted(session: Session, do: str, given: Given) -> Session:
    """The try-out after the button `do` was pressed; an unknown one plays it once more. Raises
    WrongActError.
    """
    act = ACTS.get(do)
    if act is None:
        return session
    before = _as_chosen(session, do, given)
    try:
        return act(before, given)
    except (starts.WrongStartError, WrongPersonError) as error:
        raise WrongActError(str(error)) from error


def _as_chosen(session: Session, do: str, given: Given) -> Session:
    """With the fate that was chosen for the next message, if one was."""
    state = given.text("next_state")
    if do in BEGINS:
        session = structs.replace(session, verdicts=[])
    if do in STANDS_STILL or not state:
        return session
    held = given.came.held
    number = held.number if held is not None else len(given.came.asked) + 1
    return choose(session, 1 if do in BEGINS else number, state, given.text("next_reason")[:200])


def _restart(session: Session, given: Given) -> Session:
    del given
    return structs.replace(session, acts=[])


def _set_up(session: Session, given: Given) -> Session:
    """From the beginning, with another contact, another trigger, at another time."""
    first, trigger = session.first, given.text("trigger")
    trigger = trigger if trigger in given.flow.triggers else starts.BY_HAND
    if trigger != session.trigger:
        first = starts.sample(given.flow, given.automation_id, trigger)
    elif starts.said(first) is not None:
        first = starts.with_words(first, given.text("said"))
    else:
        first = starts.with_payload(first, given.text("payload"))
    contact = session.contact
    if not session.contact_id:
        known = filled_in(structs.replace(contact, company=given.home), given.form)
        contact = structs.replace(known, company=Company())  # the company's own changes count
    begins = session.start
    if given.text("start"):
        begins = _moment(given.text("start"), given.zone)
    return structs.replace(
        session,
        acts=[],
        first=first,
        trigger=trigger,
        contact=contact,
        start=begins,
        plain=given.text("plain") == "on",
    )


def _person(session: Session, given: Given) -> Session:
    """A copy of a real contact, or the sample again; from the beginning."""
    chosen = given.text("contact")
    number = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 20 else 0  # noqa: PLR2004  digits of an id
    return structs.replace(session, acts=[], contact_id=number)


def _say(session: Session, given: Given) -> Session:
    text = given.text("text")
    if not text:
        raise WrongActError("Write something first.")
    if len(text) > starts.LONGEST_SAID:
        raise WrongActError(f"A message has {starts.LONGEST_SAID:,} characters at most.")
    return _then(session, Replied(text, Text(text)))


def _tap(session: Session, given: Given) -> Session:
    """The button carries what WhatsApp would send along, as JSON: payload, label, of."""
    try:
        payload, label, of = msgspec.json.decode(given.text("tap"))
        tapped = msgspec.convert({"type": "tap", "payload": payload, "label": label, "of": of}, Tap)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise WrongActError("This button is not there any more.") from error
    return _then(session, Replied(tapped.label, tapped))


def _media(session: Session, given: Given) -> Session:
    found = SENT_FILES.get(given.text("kind"))
    if found is None:
        raise WrongActError("Choose a photo, a voice message or a document.")
    return _then(session, Replied(plain(found), found))


def _location(session: Session, given: Given) -> Session:
    del given
    return _then(session, Replied(plain(SOMEWHERE), SOMEWHERE))


def _happen(session: Session, given: Given) -> Session:
    offered = {str(one.number): one for one in happenings(given.flow)}
    found = offered.get(given.text("number"))
    if found is None:
        raise WrongActError("Nothing listens for this any more.")
    return _then(session, found.event)


def _jump(session: Session, given: Given) -> Session:
    if given.came.ahead is None:
        raise WrongActError(NOTHING_AHEAD)
    return _until(session, given.came.ahead)


def _hour(session: Session, given: Given) -> Session:
    del given
    return _until(session, session.now + HOUR)


def _day(session: Session, given: Given) -> Session:
    del given
    return _until(session, session.now + DAY)


def _pick(session: Session, given: Given) -> Session:
    if not given.text("at"):
        raise WrongActError("Pick a day and a time first.")
    at = _moment(given.text("at"), given.zone)
    if at <= session.now:
        raise WrongActError("Time only goes forward here. Use “Step back” to go back.")
    return _until(session, at)


def _back(session: Session, given: Given) -> Session:
    del given
    return session.back()


def _from_here(session: Session, given: Given) -> Session:
    number = given.text("act")
    known = number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER
    if not known or int(number) > len(session.acts):
        raise WrongActError("This is not there any more.")
    return session.up_to(int(number))


def _choose(session: Session, given: Given) -> Session:
    """What the outside answers, and where splits go."""
    for key, value in given.form.items():
        what, _, step = key.partition("-")
        if what == "split":
            session = goes(session, step, str(value)[:64])
        elif what == "answer":
            answer = _answer(str(value), given.text(f"body-{step}"))
            session = _answered(session, step, answer)
        elif what == "ended":
            session = _answered(session, step, _ended(str(value)))
    return session


def _answer(choice: str, body: str) -> dict[str, Any] | None:
    if not choice and not body:
        return None
    try:
        told = msgspec.json.decode(body) if body else None
    except (msgspec.MsgspecError, RecursionError):
        told = body  # some systems answer in plain words
    if choice == "none":
        return {"status": 0, "reason": "no answer came in time"}
    if choice and not (choice.isascii() and choice.isdigit() and len(choice) <= LONGEST_NUMBER):
        raise WrongActError("Choose what the webhook answers.")
    return {"status": int(choice or "200"), "body": told}


def _ended(choice: str) -> dict[str, Any] | None:
    if choice == FAILED:
        return {"failed": True, "reason": "it did not come to its end"}
    result = choice.removeprefix(WITH_RESULT)[:120]
    return {"result": result} if result else None


def _answered(session: Session, step: str, answer: dict[str, Any] | None) -> Session:
    try:
        return answered(session, step, answer)
    except msgspec.ValidationError as error:
        raise WrongActError(f"This cannot be answered: {error}.") from error


def _then(session: Session, event: Event) -> Session:
    _check_room(session)
    return session.then(event)


def _until(session: Session, at: datetime) -> Session:
    _check_room(session)
    if at - session.start > LONGEST:
        raise WrongActError("A try-out lasts ten years at most.")
    return session.until(at)


def _check_room(session: Session) -> None:
    if len(session.acts) >= 300:  # noqa: PLR2004  as `Session.acts` says
        raise WrongActError("This try-out has grown too long. Start it again.")


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """What a field for day and time holds, on the company's clock."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=zone) if at.tzinfo is None else at
        at = at.astimezone(EARLIEST.tzinfo)
    except (ValueError, OverflowError) as error:
        raise WrongActError(f"“{text[:40]}” is no day and time.") from error
    if not EARLIEST <= at <= LATEST:
        raise WrongActError("Pick a time between the years 2000 and 2100.")
    return at


ACTS: Mapping[str, Callable[[Session, Given], Session]] = {
    "restart": _restart,
    "setup": _set_up,
    "person": _person,
    "say": _say,
    "tap": _tap,
    "media": _media,
    "location": _location,
    "happen": _happen,
    "jump": _jump,
    "hour": _hour,
    "day": _day,
    "pick": _pick,
    "back": _back,
    "from": _from_here,
    "choose": _choose,
}
BEGINS = frozenset(("restart", "setup", "person"))
STANDS_STILL = frozenset(("back", "from", "choose"))
