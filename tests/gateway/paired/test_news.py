"""What events of a linked device mean: chats with one person, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.content import Content, Location, Media, Other, Reaction, Tap, Text
from gateway.news import Echoed, Inbound, Receipt, Sender
from gateway.paired.news import lid_without_number, message_news, receipt_news
from tests.gateway.paired.protos import (
    NOBODY,
    OWN_DEVICE,
    e2e,
    from_me,
    image,
    jid,
    message,
    proto,
    receipt,
    source,
)

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
ADA = Sender("391230000001", name="Ada")
QUOTE = e2e.ContextInfo(stanzaID="OUT-1")


def wrapped(name: str, inner: Any) -> Any:
    made = e2e.Message()
    getattr(made, name).message.CopyFrom(inner)
    return made


def read(event: Any, **told: Any) -> list[Any]:
    given: dict[str, Any] = {"now": NOW, "own_device": OWN_DEVICE} | told
    return list(message_news(event, **given))


def content_of(told: Any) -> Content:
    [one] = read(message(told, at=NOW))
    assert isinstance(one, Inbound)
    return one.content


def test_a_text() -> None:
    [one] = read(message("Ciao", "IN-9", at=NOW))
    assert one == Inbound("", "IN-9", NOW, ADA, Text("Ciao"))


@pytest.mark.parametrize(
    ("told", "content"),
    [
        (
            e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text="a link")),
            Text("a link"),
        ),
        (wrapped("ephemeralMessage", e2e.Message(conversation="gone soon")), Text("gone soon")),
        (
            wrapped("ephemeralMessage", wrapped("viewOnceMessageV2", image(caption="once"))),
            Media("image", caption="once", mime_type="image/png"),
        ),
        (
            wrapped(
                "documentWithCaptionMessage",
                e2e.Message(
                    documentMessage=e2e.DocumentMessage(
                        mimetype="application/pdf", fileName="bill.pdf", caption="Here"
                    )
                ),
            ),
            Media("document", caption="Here", filename="bill.pdf", mime_type="application/pdf"),
        ),
        (
            e2e.Message(audioMessage=e2e.AudioMessage(mimetype="audio/ogg", PTT=True)),
            Media("audio", mime_type="audio/ogg"),
        ),
        (
            e2e.Message(stickerMessage=e2e.StickerMessage(mimetype="image/webp")),
            Media("sticker", mime_type="image/webp"),
        ),
        (
            e2e.Message(
                buttonsResponseMessage=e2e.ButtonsResponseMessage(
                    selectedButtonID="r1.a.b", selectedDisplayText="Yes"
                )
            ),
            Tap("r1.a.b", "Yes", "button"),
        ),
        (
            e2e.Message(
                listResponseMessage=e2e.ListResponseMessage(
                    title="Small",
                    singleSelectReply=e2e.ListResponseMessage.SingleSelectReply(
                        selectedRowID="r1.a.s"
                    ),
                )
            ),
            Tap("r1.a.s", "Small", "list"),
        ),
        (
            e2e.Message(
                templateButtonReplyMessage=e2e.TemplateButtonReplyMessage(
                    selectedID="stop", selectedDisplayText="Stop"
                )
            ),
            Tap("stop", "Stop", "template"),
        ),
        (
            e2e.Message(
                interactiveResponseMessage=e2e.InteractiveResponseMessage(
                    body=e2e.InteractiveResponseMessage.Body(text="Yes"),
                    nativeFlowResponseMessage=(
                        e2e.InteractiveResponseMessage.NativeFlowResponseMessage(
                            paramsJSON='{"id":"r1.a.b"}'
                        )
                    ),
                )
            ),
            Tap("r1.a.b", "Yes", "button"),
        ),
        (
            e2e.Message(
                locationMessage=e2e.LocationMessage(
                    degreesLatitude=0.0, degreesLongitude=12.5, name="Home"
                )
            ),
            Location(0.0, 12.5, "Home"),
        ),
        (
            e2e.Message(contactMessage=e2e.ContactMessage(displayName="Bob", vcard="BEGIN")),
            Other("contacts", "Bob", {"contacts": [{"vcard": "BEGIN"}]}),
        ),
        (
            e2e.Message(orderMessage=e2e.OrderMessage(orderID="1")),
            Other("order"),
        ),
    ],
)
def test_kinds_of_content(told: Any, content: Content) -> None:
    assert content_of(told) == content


@pytest.mark.parametrize(
    ("told", "content"),
    [
        (
            e2e.Message(
                protocolMessage=e2e.ProtocolMessage(
                    type=e2e.ProtocolMessage.REVOKE, key={"ID": "IN-1"}
                )
            ),
            Other("revoke", "", {"of": "IN-1"}),
        ),
        (
            e2e.Message(
                protocolMessage=e2e.ProtocolMessage(
                    type=e2e.ProtocolMessage.MESSAGE_EDIT,
                    key={"ID": "IN-1"},
                    editedMessage=e2e.Message(conversation="better"),
                )
            ),
            Other("edit", "better", {"of": "IN-1"}),
        ),
        (
            e2e.Message(reactionMessage=e2e.ReactionMessage(key={"ID": "OUT-1"}, text="👍")),
            Reaction("OUT-1", "👍"),
        ),
        (
            e2e.Message(reactionMessage=e2e.ReactionMessage(key={"ID": "OUT-1"}, text="")),
            Reaction("OUT-1"),
        ),
        (
            e2e.Message(pollUpdateMessage=e2e.PollUpdateMessage()),
            Other("poll", "[answer to a poll]"),
        ),
    ],
)
def test_what_starts_nothing_is_silent(told: Any, content: Content) -> None:
    [one] = read(message(told, at=NOW))
    assert (one.content, one.silent) == (content, True)


def test_an_edit_that_comes_unwrapped_is_one_too() -> None:
    [one] = read(message("better", at=NOW, edit=True))
    assert (one.content, one.silent) == (Other("edit", "better", {"of": ""}), True)


@pytest.mark.parametrize(
    "event",
    [
        message("x", of=source("123", "g.us", IsGroup=True), at=NOW),
        message("x", of=source("status", "broadcast"), at=NOW),
        message("x", of=source("123", "newsletter"), at=NOW),
        message("x", at=NOW, category="peer"),
        message("x", "", at=NOW),
        message(e2e.Message(), at=NOW),
        message(
            e2e.Message(
                protocolMessage=e2e.ProtocolMessage(
                    type=e2e.ProtocolMessage.HISTORY_SYNC_NOTIFICATION
                )
            ),
            at=NOW,
        ),
        message(
            e2e.Message(senderKeyDistributionMessage=e2e.SenderKeyDistributionMessage(groupID="1")),
            at=NOW,
        ),
    ],
)
def test_what_is_no_chat_with_a_person_is_passed_over(event: Any) -> None:
    assert read(event) == []


def test_who_it_is_by_number_by_lid_or_by_both() -> None:
    lid = jid("777", "lid")
    both = source("777", "lid", SenderAlt=jid("391230000001"))
    swapped = source("391230000001", SenderAlt=lid)
    alone = source("777", "lid")
    assert [read(message("x", of=of, at=NOW))[0].sender for of in (both, swapped, alone)] == [
        Sender("391230000001", name="Ada", lid="777"),
        Sender("391230000001", name="Ada", lid="777"),
        Sender("", name="Ada", lid="777"),
    ]
    assert [lid_without_number(of) for of in (both, swapped, alone)] == ["", "", "777"]
    [one] = read(message("x", of=alone, at=NOW), number="391230000001")
    assert one.sender == Sender("391230000001", name="Ada", lid="777")


def test_an_answer_quotes() -> None:
    text = e2e.ExtendedTextMessage(text="yes", contextInfo=QUOTE)
    [one] = read(message(e2e.Message(extendedTextMessage=text), at=NOW))
    assert one.quoted == "OUT-1"
    [one] = read(message(wrapped("ephemeralMessage", image(contextInfo=QUOTE)), at=NOW))
    assert one.quoted == "OUT-1"


def test_a_person_who_writes_in_the_app() -> None:
    [one] = read(message("I take over", "ME-1", of=from_me("391230000001"), at=NOW))
    assert one == Echoed("", "ME-1", NOW, Sender("391230000001"), Text("I take over"))
    to_lid = from_me("777", server="lid", RecipientAlt=jid("391230000001"))
    [one] = read(message("x", of=to_lid, at=NOW))
    assert one.to == Sender("391230000001", lid="777")


def test_what_we_sent_ourselves_is_no_news() -> None:
    ours = message("x", "OUT-1", of=from_me("391230000001", device=OWN_DEVICE), at=NOW)
    known = message("x", "OUT-2", of=from_me("391230000001"), at=NOW)
    assert read(ours) == []
    assert read(known, own_ids={"OUT-2"}) == []
    reaction = e2e.Message(reactionMessage=e2e.ReactionMessage(key={"ID": "1"}, text="👍"))
    assert read(message(reaction, of=from_me("391230000001"), at=NOW)) == []


@pytest.mark.parametrize(
    ("at", "since", "history"),
    [
        (NOW - timedelta(hours=23), None, False),  # written while we were away for a day at most
        (NOW - timedelta(hours=25), None, True),
        (NOW - timedelta(minutes=5), NOW - timedelta(minutes=1), True),  # before the pairing
        (NOW - timedelta(minutes=5), NOW - timedelta(hours=1), False),
    ],
)
def test_history_starts_nothing(at: datetime, since: datetime | None, history: bool) -> None:
    [one] = read(message("hello", at=at), since=since)
    assert (one.at, one.silent) == (at, history)
    mine = read(message("hello", of=from_me("391230000001"), at=at), since=since)
    assert bool(mine) is not history


def test_a_clock_that_makes_no_sense_is_now() -> None:
    event = message("x", at=NOW)
    for milliseconds in (0, -5, 2**62):
        event.Info.Timestamp = milliseconds
        assert [one.at for one in read(event)] == [NOW]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (proto.Receipt.DELIVERED, "delivered"),
        (proto.Receipt.READ, "read"),
        (proto.Receipt.PLAYED, "read"),
    ],
)
def test_receipts(kind: int, state: str) -> None:
    found = receipt_news(receipt(kind, "OUT-1", "OUT-2", at=NOW), NOW)
    assert found == [Receipt("", one, state, NOW) for one in ("OUT-1", "OUT-2")]  # type: ignore[arg-type]


def test_receipts_of_our_own_devices_are_none() -> None:
    for kind in (2, 3, 5, 7, 8, 9, 10, 11):
        assert receipt_news(receipt(kind, "OUT-1"), NOW) == []
    mine = receipt(1, "OUT-1", of=from_me("391230000001"))
    group = receipt(1, "OUT-1", of=source("1", "g.us", IsGroup=True))
    assert receipt_news(mine, NOW) == receipt_news(group, NOW) == []


def test_nobody_beside() -> None:
    assert read(message("x", of=source("391230000001", SenderAlt=NOBODY), at=NOW))[0].sender == ADA
