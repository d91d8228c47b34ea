"""Files on their way between the gateway and the pretend WhatsApp: fetched, brought, forgotten."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Buttons, Media, Option, Text
from gateway.channel import Accepted, Address, Channel, LocalFile, PhoneAccess, SendError
from gateway.files import RETRIES_S, Files
from store import erasure, media
from store.contacts import contacts
from store.files import NewFile, path_of
from store.media import media_files, media_uploads
from store.media_wanted import media_wanted
from store.messages import messages
from store.phones import phones
from tests.gateway.circle import Circle

pytestmark = pytest.mark.anyio
PDF = b"%PDF-1.7 the list"


async def received(circle: Circle) -> Any:
    [row] = [row for row in await circle.house.rows(messages) if row.kind == "media"]
    return row


async def ours(circle: Circle, data: bytes, filename: str = "") -> str:
    """A file that the company uploaded to us."""
    files = circle.dispatcher.files
    with NewFile(files.folder, 1000) as new:
        new.write(data)
        kept = new.keep()
    async with circle.house.db.write() as tx:
        await media.keep(tx, circle.house.company, kept, circle.house.clock(), filename=filename)
    return kept.sha256


async def test_a_customer_s_photo_is_fetched_and_goes_with_them(circle: Circle) -> None:
    files = circle.dispatcher.files
    await circle.bench.opened()
    await circle.bench.acts(image={"caption": "Like this"})
    await circle.quiet()
    assert await files.fetch() == 1
    row = await received(circle)
    assert (row.content["caption"], row.error) == ("Like this", None)
    [file] = await circle.house.rows(media_files)
    assert (file.sha256, file.mime_type) == (row.content["sha256"], "image/png")
    path = path_of(files.folder, file.sha256)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert await files.fetch() == 0

    [person] = await circle.house.rows(contacts)
    async with circle.house.db.write() as tx:
        await erasure.erase(tx, [person.id], circle.house.clock())
    assert await files.sweep() == 0  # it is too young: somebody may be writing it down
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    assert await files.sweep() == 1
    assert not path.exists()
    assert await circle.house.rows(media_files) == []


async def test_a_file_that_does_not_come_says_so_and_is_tried_again(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.bench.acts(image={})
    await circle.quiet()
    async with circle.house.db.write() as tx:
        before = (await tx.execute(sa.select(phones.c.credentials))).scalar_one()
        await tx.execute(sa.update(phones).values(credentials=before | {"token": "expired"}))
    for seconds in RETRIES_S[:2]:
        assert await circle.dispatcher.files.fetch() == 1
        assert "It will be tried again." in (await received(circle)).error
        assert await circle.dispatcher.files.fetch() == 0
        circle.house.clock.go(seconds=seconds)
    async with circle.house.db.write() as tx:
        await tx.execute(sa.update(phones).values(credentials=before))
    assert await circle.dispatcher.files.fetch() == 1
    row = await received(circle)
    assert (row.error, len(row.content["sha256"])) == (None, 64)


async def test_what_whatsapp_does_not_have_any_more_is_given_up(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.bench.acts(image={})
    await circle.quiet()
    async with circle.house.db.write() as tx:
        await tx.execute(sa.update(media_wanted).values(remote_id="404404"))
    assert await circle.dispatcher.files.fetch() == 1
    assert "could not be fetched" in (await received(circle)).error
    assert await circle.house.rows(media_wanted) == []


async def test_our_file_is_uploaded_once(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.quiet()
    sha256 = await ours(circle, PDF, "list.pdf")
    document = Media("document", caption="Our list", sha256=sha256)
    for content in (
        document,
        document,
        Buttons("Well?", (Option("y", "Yes"),), header_media=Media("document", sha256=sha256)),
    ):
        sent = await circle.send(content)
        assert (sent.error, sent.state) == (None, "delivered")
        assert "remote_id" not in sent.content  # an id is of one phone, and of thirty days
    [upload] = await circle.house.rows(media_uploads)
    circle.house.clock.go(days=29)
    await circle.bench.acts(text="Still there?")
    await circle.quiet()
    assert (await circle.send(document)).state == "delivered"
    [again] = await circle.house.rows(media_uploads)
    assert again.remote_id != upload.remote_id


async def test_an_upload_that_meta_has_forgotten_is_made_again(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.quiet()
    sha256 = await ours(circle, PDF)
    async with circle.house.db.write() as tx:
        until = circle.house.clock() + timedelta(days=9)
        await media.note_upload(tx, circle.house.phone, sha256, "forgotten", until)
    sent = await circle.send(Media("document", sha256=sha256, filename="list.pdf"))
    assert (sent.error, sent.state) == (None, "delivered")
    [upload] = await circle.house.rows(media_uploads)
    assert upload.remote_id != "forgotten"


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (PDF, "image", "takes no application/pdf as image"),
        (None, "image", "not kept any more"),
    ],
)
async def test_what_cannot_be_sent(
    circle: Circle, data: bytes | None, kind: Any, words: str
) -> None:
    await circle.bench.opened()
    await circle.quiet()
    sha256 = "0" * 64 if data is None else await ours(circle, data)
    sent = await circle.send(Media(kind, sha256=sha256))
    assert (sent.state, sent.error_class) == ("failed", "our_request")
    assert words in sent.error


async def test_bytes_that_are_gone(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.quiet()
    sha256 = await ours(circle, PDF)
    path_of(circle.dispatcher.files.folder, sha256).unlink()
    sent = await circle.send(Media("document", sha256=sha256))
    assert (sent.state, sent.error) == ("failed", "The file is not kept any more.")


async def test_read_and_typing(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.quiet()
    [row] = [row for row in await circle.house.rows(messages) if row.direction == "in"]
    url = str(circle.bench.client.base_url)
    phone = PhoneAccess(circle.house.phone, "106540352242922", "token", url)
    assert await circle.channel.mark_read(phone, row.channel_id, typing=True) is None
    unknown = await circle.channel.mark_read(phone, "wamid.unknown", typing=False)
    assert isinstance(unknown, SendError)
    assert unknown.meaning == "our_request"


async def test_a_look_at_the_number(circle: Circle) -> None:
    url = str(circle.bench.client.base_url)
    found = await circle.channel.look(PhoneAccess(1, "106540352242922", "token", url))
    assert found is not None
    assert not isinstance(found, SendError)
    assert (found.quality, found.limit, found.details) == ("GREEN", -1, "CONNECTED")
    assert (found.number, found.throughput_per_s) == ("15550783881", 80)
    refused = await circle.channel.look(PhoneAccess(1, "106540352242922", "wrong", url))
    assert isinstance(refused, SendError)
    assert refused.meaning == "number_stopped"


class ByHand(Channel):
    """A channel that takes files along with the message."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, phone: Any, to: Any, content: Any, **more: Any) -> Accepted | SendError:
        del phone, to, more
        self.sent.append(content)
        return Accepted("x")

    async def close(self) -> None:
        return


async def test_a_channel_that_takes_files_along(circle: Circle, tmp_path: Path) -> None:
    sha256 = await ours(circle, PDF)
    channel = ByHand()
    files = Files(
        circle.house.db, circle.house.clock, {"by_hand": channel}, circle.dispatcher.files.folder
    )
    phone, to = PhoneAccess(1, "1", "t"), Address("wa_id", "39333")
    document = Media("document", sha256=sha256)
    for content in (document, Text("Hi")):
        await files.send(circle.house.company, "by_hand", phone, to, content, reference="1")
    assert channel.sent == [document, Text("Hi")]
    assert await channel.upload(phone, LocalFile(tmp_path, "image/png")) == ""
    assert await channel.mark_read(phone, "x", typing=True) is None
    assert await channel.look(phone) is None
    refused = await channel.download(phone, "x", lambda _: None, 1)
    assert isinstance(refused, SendError)
