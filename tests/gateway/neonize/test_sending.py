"""Before and around a send: numbers looked up, typing shown, one at a time, answers made out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Buttons, Choices, LinkButton, Media, Option, Template, Text
from gateway.channel import Accepted, Address, PhoneAccess, SendError
from gateway.channels.neonize import Neonize
from gateway.channels.neonize.files import FileError, Files
from gateway.channels.neonize.shown import shown, typing_s
from store import number_checks, resolve
from store.addresses import Address as Way
from store.contacts import contact_addresses, contacts
from store.messages import messages
from store.number_checks import NumberCheck
from tests.gateway.conformance.sides import PNG, serve_file
from tests.gateway.neonize.conftest import PairedHouse, until
from tests.gateway.paired.protos import from_me, message, source

pytestmark = pytest.mark.anyio
ADA = Address("wa_id", "391230000000")
OPTIONS = (Option("a", "Small"), Option("b", "Large", "for two"))


async def send(paired: PairedHouse, to: Address = ADA, content: Any = None, **values: Any) -> Any:
    phone = PhoneAccess(paired.phone, "390000000001@s.whatsapp.net", "")
    given: dict[str, Any] = {"reference": "77"} | values
    return await paired.channel.send(phone, to, content or Text("Hi"), **given)


@pytest.fixture
async def working(paired: PairedHouse) -> PairedHouse:
    paired.work()
    await paired.is_("connected")
    return paired


async def looked_up(paired: PairedHouse) -> int:
    return int((await paired.pretend().tell())["calls"].count("IsOnWhatsApp"))


async def test_a_typed_number_is_looked_up_once(working: PairedHouse) -> None:
    to = Address("phone", "+39 123 000 0005")
    first = await send(working, to)
    assert isinstance(first, Accepted)
    assert first.wa_id == "391230000005"
    assert isinstance(await send(working, to), Accepted)
    assert await looked_up(working) == 1
    working.clock.go(days=31)
    await send(working, to)
    assert await looked_up(working) == 2


async def test_a_number_that_is_not_there_is_not_written_to(working: PairedHouse) -> None:
    await working.pretend().tell(absent=["391230000006"])
    refused = SendError("contact", 0, "This number is not on WhatsApp.")
    assert await send(working, Address("phone", "391230000006")) == refused
    assert await send(working, Address("phone", "391230000006")) == refused
    assert await looked_up(working) == 1
    assert await working.pretend().sent() == []


async def test_what_another_phone_was_told_is_known(working: PairedHouse) -> None:
    check = NumberCheck("391230000007", there=True, jid="391230000008@s.whatsapp.net")
    async with working.db.write() as tx:
        await number_checks.remember(tx, check, working.clock())
    assert isinstance(await send(working, Address("phone", "391230000007")), Accepted)
    assert await looked_up(working) == 0
    [(to, _)] = await working.pretend().sent()
    assert to.User == "391230000008"


async def test_few_numbers_are_looked_up_each_minute(working: PairedHouse) -> None:
    answers = [await send(working, Address("phone", f"39123000010{n}")) for n in range(7)]
    assert [isinstance(one, Accepted) for one in answers] == [True] * 5 + [False] * 2
    assert answers[-1].meaning == "pair"  # waits by itself, and nobody else does


async def test_a_look_up_that_fails_is_no_message_in_doubt(working: PairedHouse) -> None:
    await working.pretend().tell(answers={"IsOnWhatsApp": "info query timed out"})
    refused = await send(working, Address("phone", "391230000006"))
    assert refused.meaning == "temporary"


async def test_the_address_it_learns_is_kept(working: PairedHouse) -> None:
    async with working.db.write() as tx:
        contact = await resolve.resolve(
            tx, working.company, [Way("phone", "+391230000005")], now=working.clock()
        )
        await tx.execute(sa.update(contacts).values(last_inbound_at=working.clock()))
    one = await working.queue(contact)
    await working.paired_dispatcher().drain()
    assert (await working.message(one)).state == "sent"
    [known] = await working.rows(contact_addresses)
    assert (known.kind, known.value) == ("wa_id", "391230000005")


async def test_typing_is_shown_before_a_text(working: PairedHouse) -> None:
    working.channel.typing = True
    await send(working, content=Text("x"))
    calls = (await working.pretend().tell())["calls"]
    assert [one for one in calls if one.startswith("Send")][-3:] == [
        "SendChatPresence 0",
        "SendChatPresence 1",
        "SendMessage",
    ]


def test_how_long_it_types() -> None:
    assert typing_s(Text("x" * 40)) == 2.0
    assert typing_s(Text("")) == 1.0
    assert typing_s(Text("x" * 4096)) == 5.0
    assert typing_s(Media("image")) == 0.0


async def test_one_at_a_time_and_in_order(working: PairedHouse) -> None:
    await asyncio.gather(*(send(working, content=Text(str(n))) for n in range(8)))
    said = [one.conversation for _, one in await working.pretend().sent()]
    assert said == [str(n) for n in range(8)]


def test_what_a_phone_without_buttons_shows() -> None:
    buttons = Buttons("Which size?", OPTIONS, header="Sizes", footer="Free")
    words = "*Sizes*\n\nWhich size?\n\n1. Small\n2. Large: for two\n\n_Free_"
    assert shown(buttons) == Text(words)
    assert shown(Choices("Which size?", "Sizes", OPTIONS)) == Text(
        "Which size?\n\n1. Small\n2. Large: for two"
    )
    assert shown(LinkButton("Look", "Shop", "https://x.example")) == Text(
        "Look\n\nShop: https://x.example"
    )
    over = Media("image", link="https://x.example/1.png")
    assert shown(Buttons("Which?", OPTIONS[:1], header_media=over)) == Media(
        "image", link="https://x.example/1.png", caption="Which?\n\n1. Small"
    )
    assert shown(Text("x")) == Text("x")


def test_what_it_carries() -> None:
    channel = Neonize()
    assert not channel.carries("template")
    assert all(channel.carries(one) for one in ("text", "media", "buttons", "list", "location"))
    assert (channel.needs_window, channel.paced, channel.leased) == (False, True, True)


async def test_nothing_is_sent_without_a_line(paired: PairedHouse) -> None:
    assert (await send(paired)).meaning == "unreachable"
    paired.work()
    await paired.is_("connected")
    await paired.pretend().tell(connected=False)
    assert (await send(paired)).meaning == "unreachable"
    assert (await send(paired, Address("user_id", "US.1"))).meaning == "contact"
    assert (await send(paired, content=Template("offer", "it"))).meaning == "unreachable"
    await paired.pretend().tell(connected=True)
    assert (await send(paired, content=Template("offer", "it"))).meaning == "our_request"


@pytest.mark.parametrize(
    ("text", "meaning", "code"),
    [("server returned error 463", "number_in_danger", 463), ("client is nil", "unreachable", 0)],
)
async def test_errors_come_through_the_library(
    working: PairedHouse, text: str, meaning: str, code: int
) -> None:
    await working.pretend().tell(answers={"SendMessage": text})
    refused = await send(working)
    assert (refused.meaning, refused.code) == (meaning, code)


async def test_a_quote_shows_the_words_it_answers(working: PairedHouse) -> None:
    await working.pretend().happens(message("How much?", "IN-1"))

    async def told() -> bool:
        return bool(await working.rows(messages))

    await until(told)
    await send(working, quoted="IN-1")
    [(_, said)] = await working.pretend().sent()
    assert said.extendedTextMessage.contextInfo.quotedMessage.conversation == "How much?"


async def test_a_person_known_by_a_lid_alone(working: PairedHouse) -> None:
    await working.pretend().happens(message("Hi", "IN-1", of=source("777", "lid")))

    async def told() -> Any:
        return await working.rows(messages)

    [row] = await until(told)
    [way] = await working.rows(contact_addresses)
    assert (way.kind, way.value) == ("lid", "777")
    one = await working.queue(row.contact_id)
    await working.paired_dispatcher().drain()
    assert (await working.message(one)).state == "sent"
    [(to, _)] = await working.pretend().sent()
    assert (to.User, to.Server) == ("777", "lid")
    # later the library knows the number: it is the same person
    await working.pretend().tell(number="391230000009")
    await working.pretend().happens(message("Me again", "IN-2", of=source("777", "lid")))

    async def again() -> bool:
        rows = await working.rows(messages)
        return any(one.channel_id == "IN-2" and one.contact_id == row.contact_id for one in rows)

    await until(again)
    kinds = sorted(way.kind for way in await working.rows(contact_addresses))
    assert kinds == ["lid", "wa_id"]


async def test_a_message_is_marked_as_read(working: PairedHouse) -> None:
    await working.pretend().happens(message("Hi", "IN-1"))

    async def told() -> bool:
        return bool(await working.rows(messages))

    await until(told)
    phone = PhoneAccess(working.phone, "390000000001@s.whatsapp.net", "")
    for channel_id in ("IN-1", "long ago"):
        assert await working.channel.mark_read(phone, channel_id, typing=False) is None
    assert "MarkRead IN-1" in (await working.pretend().tell())["calls"]


async def test_our_own_words_come_back_as_no_echo(working: PairedHouse) -> None:
    sent = await send(working)
    ours = message("Hi", sent.channel_id, of=from_me(ADA.value))
    await working.pretend().happens(ours)
    await working.pretend().happens(message("Hi", "IN-1"))

    async def told() -> Any:
        return await working.rows(messages)

    rows = await until(told)
    assert [row.channel_id for row in rows] == ["IN-1"]


@pytest.fixture
async def files(anyio_backend: str, tmp_path: Any) -> Any:
    one = Files(tmp_path / "out", tmp_path / "kept", allow_private=True)
    yield one
    await one.close()


async def test_files_are_fetched_within_limits(files: Files, tmp_path: Any) -> None:
    server, address = await serve_file(PNG)
    async with server:
        async with files.of(Media("image", link=address)) as path:
            assert await asyncio.to_thread(Path(path).read_bytes) == PNG
        assert list((tmp_path / "out").iterdir()) == []
    server, address = await serve_file(bytes(500_001))
    async with server:
        with pytest.raises(FileError, match="larger"):
            async with files.of(Media("sticker", link=address)):
                pass
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(FileError, match="cannot be fetched"):
        async with files.of(Media("image", link=address)):
            pass


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:1/x",
        "http://localhost:1/x",
        "http://[::1]/x",
        "http://169.254.169.254/latest",
        "http://2130706433/x",
        "file:///etc/passwd",
        "ftp://x.example/x",
        "nonsense",
    ],
)
async def test_files_never_come_from_inside(anyio_backend: str, tmp_path: Any, link: str) -> None:
    guarded = Files(tmp_path, tmp_path, allow_private=False)
    with pytest.raises(FileError):
        async with guarded.of(Media("image", link=link)):
            pass
    await guarded.close()
    assert list(tmp_path.iterdir()) == []


async def test_files_we_keep_and_files_nobody_has(files: Files, tmp_path: Any) -> None:
    name = "ab" * 32
    (tmp_path / "kept" / "ab").mkdir(parents=True)
    (tmp_path / "kept" / "ab" / name).write_bytes(PNG)
    async with files.of(Media("image", sha256=name)) as path:
        assert path == str(tmp_path / "kept" / "ab" / name)
    async with files.of(Text("x")) as path:
        assert path == ""
    for media in (Media("image", sha256="cd" * 32), Media("image", remote_id="123")):
        with pytest.raises(FileError):
            async with files.of(media):
                pass
