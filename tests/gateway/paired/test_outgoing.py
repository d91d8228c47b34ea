"""Our messages as the protocol has them."""

from __future__ import annotations

from typing import Any

import pytest

from flows.content import Content, Location, Media, MediaKind, Reaction, Template, Text
from gateway.channel import Address
from gateway.paired.wire import Quoted
from tests.gateway.paired.protos import jid, proto

from gateway.paired import outgoing  # isort: skip - after the library's words are there

TO = jid("391230000001")
OWN = "390000000001@s.whatsapp.net"
FILE = proto.UploadResponse(
    url="https://mmg.example/1", DirectPath="/1", Handle="", MediaKey=b"k", FileLength=9
)


def made(content: Content, **values: Any) -> Any:
    return outgoing.message(content, TO, OWN, **values)


def test_addresses() -> None:
    for address, user, server in (
        (Address("wa_id", "391230000001"), "391230000001", "s.whatsapp.net"),
        (Address("phone", "+39 123 000-0001"), "391230000001", "s.whatsapp.net"),
        (Address("lid", "777"), "777", "lid"),
    ):
        found: Any = outgoing.address(address)
        assert (found.User, found.Server) == (user, server)
        assert found.IsInitialized()
    assert outgoing.address(Address("user_id", "US.1")) is None
    assert outgoing.address(Address("phone", "none")) is None


def test_a_text_never_mentions_anybody() -> None:
    assert made(Text("write to @391230000002")).conversation == "write to @391230000002"


@pytest.mark.parametrize("ours", [False, True])
def test_an_answer_shows_what_it_answers(ours: bool) -> None:
    told = made(Text("yes"), quoted=Quoted("IN-1", "Really?", ours=ours)).extendedTextMessage
    context = told.contextInfo
    assert (told.text, context.stanzaID) == ("yes", "IN-1")
    assert context.participant == (OWN if ours else "391230000001@s.whatsapp.net")
    assert context.quotedMessage.conversation == "Really?"


@pytest.mark.parametrize(
    ("kind", "name", "mime_type"),
    [
        ("image", "imageMessage", "image/jpeg"),
        ("video", "videoMessage", "video/mp4"),
        ("audio", "audioMessage", "audio/ogg; codecs=opus"),
        ("document", "documentMessage", "application/octet-stream"),
        ("sticker", "stickerMessage", "image/webp"),
    ],
)
def test_files(kind: MediaKind, name: str, mime_type: str) -> None:
    part = getattr(made(Media(kind, caption="Here"), upload=FILE), name)
    assert (part.URL, part.directPath, part.fileLength) == ("https://mmg.example/1", "/1", 9)
    assert part.mimetype == mime_type
    if kind == "audio":
        assert part.PTT
        music = Media("audio", mime_type="audio/mpeg")
        assert not made(music, upload=FILE).audioMessage.PTT
    if kind == "document":
        assert (part.caption, part.fileName) == ("Here", "Here")
        named = Media("document", filename="bill.pdf", mime_type="application/pdf")
        assert made(named, upload=FILE).documentMessage.fileName == "bill.pdf"


def test_a_place_and_a_reaction() -> None:
    place = made(Location(0.0, 12.5, "Shop")).locationMessage
    assert (place.degreesLatitude, place.degreesLongitude, place.name) == (0.0, 12.5, "Shop")
    reaction = made(Reaction("IN-1", "❤")).reactionMessage
    assert (reaction.key.ID, reaction.key.remoteJID) == ("IN-1", "391230000001@s.whatsapp.net")
    assert (reaction.key.fromMe, reaction.text) == (False, "❤")


def test_what_cannot_be_sent() -> None:
    assert made(Template("offer", "it")) is None
    assert made(Media("image")) is None  # without its bytes
