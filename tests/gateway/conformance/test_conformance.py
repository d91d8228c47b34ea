"""What every kind of channel does alike, each with its own WhatsApp behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flows.content import Buttons, Content, Location, Media, Option, Reaction, Tap, Text
from flows.events import Replied
from flows.options import Choice, option
from flows.replies import Said
from store.contacts import contacts
from store.database import Database
from store.events import events
from store.files import path_of
from store.media import media_files
from store.messages import messages
from tests.gateway.conformance.sides import PNG, CloudSide, PairedSide, Sent, Side, serve_file
from tests.gateway.conftest import Clock, House, Meta
from tests.gateway.neonize.conftest import PairedHouse

pytestmark = pytest.mark.anyio
ADA = "391230000000"  # the house's first contact
SIZES = Buttons("Which size?", (Option("r7.ask.s", "Small"), Option("r7.ask.l", "Large")))


@pytest.fixture(params=["cloud_api", "neonize"])
async def side(
    request: pytest.FixtureRequest, sqlite_url: str, meta: Meta, tmp_path: Path
) -> AsyncIterator[Side]:
    db, clock = Database(sqlite_url), Clock()
    house: House
    if request.param == "cloud_api":
        house = House(db, clock, meta)
        await house.build(gap_minutes=0)
        yield CloudSide(house)
    else:
        house = PairedHouse(db, clock, meta, tmp_path)
        house.channel = house.open_channel(allow_private_files=True)
        await house.build()
        house.work()
        await house.is_("connected")
        yield PairedSide(house)
        await house.stop()
    await house.close()
    await db.close()


async def send(side: Side, content: Content | None = None, **values: Any) -> Any:
    """Send to Ada; the message's row after the attempt."""
    contact = await side.house.contact(wrote_minutes_ago=3)
    message_id = await side.house.queue(contact, content, **values)
    assert await side.dispatcher().drain() == 1
    return await side.house.message(message_id)


async def test_a_text_goes_out(side: Side) -> None:
    row = await send(side, Text("Ciao @39123 *Ada*"))
    assert (row.state, bool(row.channel_id)) == ("sent", True)
    assert await side.sent() == [Sent(ADA, "Ciao @39123 *Ada*")]


async def test_a_place_goes_out(side: Side) -> None:
    await send(side, Location(0.0, 12.5, "Shop"))
    [sent] = await side.sent()
    assert sent.place == (0.0, 12.5)


async def test_options_go_out_and_are_answered(side: Side) -> None:
    """By a tap where there are buttons, by number or label everywhere; it means the same."""
    row = await send(side, SIZES, run_id=7)
    [sent] = await side.sent()
    assert sent.words.startswith("Which size?")
    assert all(label in sent.words for label in ("Small", "Large"))
    answers: list[Content] = [Tap("r7.ask.l", "Large"), Text("2"), Text("large"), Text("Lage")]
    choices = [Choice("s", "Small", 1), Choice("l", "Large", 2)]
    for n, answer in enumerate(answers):
        await side.write(ADA, answer, id=f"IN-{n}", quoted=row.channel_id)
        await side.row(f"IN-{n}")
    told = [one for one in await side.house.rows(events) if one.kind == "replied"]
    assert len(told) == len(answers)
    for one in told:
        replied = msgspec.convert(one.data, Replied)
        assert replied.quoted == row.channel_id
        meant = option(Said(replied.text, replied.content), choices, ["s", "l"], (7, ["ask"]))
        assert meant is not None
        assert meant.value == "l"


async def test_a_file_goes_out(side: Side) -> None:
    server, address = await serve_file(PNG)
    async with server:
        row = await send(side, Media("image", link=address, caption="Look"))
    assert row.state == "sent", row.error
    assert await side.sent() == [Sent(ADA, "Look", "image")]


async def test_a_file_comes_in(side: Side, tmp_path: Path) -> None:
    await side.write(ADA, Media("image", caption="My order"), id="IN-1")
    row = await side.row("IN-1")
    assert (row.kind, row.preview, row.content["mime_type"]) == ("media", "My order", "image/png")
    if side.kind == "neonize":  # the Cloud API's files are fetched later, see its own tests
        kept = [file.sha256 for file in await side.house.rows(media_files)]
        assert kept == [row.content["sha256"]]
        assert path_of(tmp_path / "media", kept[0]).read_bytes() == b"\x89PNG"
        assert list((tmp_path / "phones").glob("*.in/*")) == []


async def test_an_answer_quotes_in_both_directions(side: Side) -> None:
    await side.write(ADA, Text("How much is it?"), id="IN-1")
    await side.row("IN-1")
    row = await send(side, Text("12 €"), quoted_channel_id="IN-1")
    assert await side.sent() == [Sent(ADA, "12 €", quoted="IN-1")]
    await side.write(ADA, Text("Fine"), id="IN-2", quoted=row.channel_id)
    assert (await side.row("IN-2")).quoted_channel_id == row.channel_id


async def test_reactions_are_kept_and_start_nothing(side: Side) -> None:
    row = await send(side)
    await side.write(ADA, Reaction(row.channel_id, "👍"), id="IN-1")
    assert (await side.row("IN-1")).preview == "👍"
    await side.nothing_more()
    told = [one for one in await side.house.rows(events) if one.source_id == "in:IN-1"]
    assert told == []


async def test_we_react(side: Side) -> None:
    await side.write(ADA, Text("Thanks"), id="IN-1")
    await side.row("IN-1")
    await send(side, Reaction("IN-1", "❤"))
    assert await side.sent() == [Sent(ADA, reaction=("IN-1", "❤"))]


async def test_receipts_in_any_order_and_twice(side: Side) -> None:
    row = await send(side)
    await side.report(row.channel_id, "read")
    await side.is_(row.id, "read")
    for state in ("delivered", "read", "delivered"):
        await side.report(row.channel_id, state)
    await side.nothing_more()
    row = await side.house.message(row.id)
    assert (row.state, bool(row.delivered_at), bool(row.read_at)) == ("read", True, True)


async def test_somebody_who_cannot_be_reached(side: Side) -> None:
    await side.refuse("contact")
    row = await send(side, run_id=7, seq=1)
    assert (row.state, row.error_class) == ("failed", "contact")
    assert row.error
    assert await side.house.verdicts() == [(7, "failed", "contact")]


async def test_too_fast(side: Side) -> None:
    await side.refuse("throttle")
    row = await send(side)
    assert (row.state, row.error_class) == ("queued", "throttle")
    assert row.due_at > side.house.clock()


async def test_a_lost_answer_is_uncertain_and_settled_by_whatsapps_word(side: Side) -> None:
    await side.refuse("silent")
    row = await send(side, run_id=7, seq=1)
    assert (row.state, row.channel_id) == ("unconfirmed", None)
    side.house.clock.go(minutes=1)
    assert await side.dispatcher().drain() == 0  # never sent again blindly
    await side.word_at_last(row.id)
    row = await side.is_(row.id, "sent")
    assert row.channel_id
    assert [told[:2] for told in await side.house.verdicts()] == [(7, "sent")]
    assert len(await side.sent()) == 1


async def test_a_colleague_in_the_phones_own_app(side: Side) -> None:
    await side.echo(ADA, "I take over")
    row = await side.row("ECHO-1")
    assert (row.direction, row.source, row.state) == ("out", "person", "sent")
    [person] = await side.house.rows(contacts)
    assert person.handed_over_at is not None


async def test_what_comes_twice_is_kept_once(side: Side) -> None:
    for _ in range(3):
        await side.write(ADA, Text("Hi"), id="IN-1")
    await side.row("IN-1")
    await side.nothing_more()
    rows = [row for row in await side.house.rows(messages) if row.channel_id == "IN-1"]
    assert len(rows) == 1
    told = [one for one in await side.house.rows(events) if one.source_id == "in:IN-1"]
    assert len(told) == 1


async def test_it_counts_for_the_phone(side: Side) -> None:
    row = await send(side)
    assert row.phone_id == side.house.phone
    [person] = await side.house.rows(contacts)
    assert person.last_phone_id == side.house.phone
    assert side.house.clock() - person.last_outbound_at < timedelta(seconds=1)
