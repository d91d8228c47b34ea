"""Files by their content: whole or not at all, of the type their bytes say, gone with who sent
them.
"""

from __future__ import annotations

import io
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.content import Media
from store import companies, erasure, media, media_wanted, resolve
from store.addresses import Address
from store.database import Database
from store.file_types import fits, problem, type_of
from store.files import Kept, NewFile, TooLargeError, forget, path_of, tidy
from store.ids import new_id
from store.messages import messages

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"


def keep(folder: Path, data: bytes, said: str = "", most: int = 1000) -> Kept:
    with NewFile(folder, most) as new:
        for start in range(0, len(data), 7):
            new.write(data[start : start + 7])
        return new.keep(said)


def test_a_file_lies_under_its_hash(tmp_path: Path) -> None:
    one = keep(tmp_path, PNG)
    again = keep(tmp_path, PNG)
    assert one == again == Kept(one.sha256, len(PNG), "image/png")
    place = tmp_path / one.sha256[:2] / one.sha256
    assert place == path_of(tmp_path, one.sha256)
    assert place.read_bytes() == PNG
    assert list((tmp_path / "incoming").iterdir()) == []
    for name in ("../../etc/passwd", one.sha256.upper(), ""):
        with pytest.raises(ValueError, match="no SHA-256"):
            path_of(tmp_path, name)


def test_what_does_not_end_well_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError):
        keep(tmp_path, PNG, most=10)
    with NewFile(tmp_path, 100) as new:
        new.write(b"half")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_crash_left_is_tidied_after_a_day(tmp_path: Path) -> None:
    new = NewFile(tmp_path, 100)
    new.write(b"half")
    assert tidy(tmp_path, time.time()) == 0
    assert tidy(tmp_path, time.time() + 90_000) == 1
    new.__exit__(None, None, None)


def test_fresh_bytes_are_not_deleted(tmp_path: Path) -> None:
    one = keep(tmp_path, PNG)
    assert not forget(tmp_path, one.sha256, time.time())
    assert forget(tmp_path, one.sha256, time.time() + 3600)
    assert not path_of(tmp_path, one.sha256).exists()
    assert forget(tmp_path, one.sha256, time.time())


def office(folder: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("[Content_Types].xml", "x" * 9000)
        archive.writestr(f"{folder}/document.xml", "x")
    return raw.getvalue()


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("data", "said", "found"),
    [
        (PNG, "image/jpeg", "image/png"),
        (b"\xff\xd8\xff\xe0 jfif", "", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "image/webp"),
        (b"GIF89a", "", "image/gif"),
        (b"%PDF-1.7", "text/html", "application/pdf"),
        (b"OggS\x00", "audio/ogg; codecs=opus", "audio/ogg"),
        (b"#!AMR\n", "", "audio/amr"),
        (b"ID3\x04", "", "audio/mpeg"),
        (b"\xff\xfb\x90", "", "audio/mpeg"),
        (b"\xff\xf1\x50", "", "audio/aac"),
        (b"\x00\x00\x00\x20ftypisom", "", "video/mp4"),
        (b"\x00\x00\x00\x20ftyp3gp5", "", "video/3gpp"),
        (b"\x00\x00\x00\x20ftypM4A ", "video/mp4", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypqt  ", "", "video/quicktime"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "application/vnd.ms-excel", "application/vnd.ms-excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "image/png", "application/octet-stream"),
        (office("word"), "", DOCX),
        (office("xl"), "image/png", XLSX),
        (office("other"), "", "application/zip"),
        (b"PK\x03\x04 no archive", DOCX, "application/octet-stream"),
        (b"<script>alert(1)</script>", "text/html", "text/plain"),
        ("è così".encode(), "", "text/plain"),
        (("x" * 4095 + "è").encode(), "", "text/plain"),  # cut in two by where we stop reading
        (b"\xe8 latin", "text/plain", "application/octet-stream"),
        (b"MZ\x00\x01", "image/png", "application/octet-stream"),
        (b"", "image/png", "text/plain"),
    ],
)
def test_the_bytes_say_what_it_is(tmp_path: Path, data: bytes, said: str, found: str) -> None:
    (tmp_path / "it").write_bytes(data)
    assert type_of(tmp_path / "it", said) == found


def test_what_whatsapp_takes() -> None:
    assert fits("image/png", 5 * 1024 * 1024) == ["image"]
    assert fits("image/png", 5 * 1024 * 1024 + 1) == []
    assert fits("image/webp", 1000) == ["sticker"]
    assert fits("application/pdf", 99_000_000) == ["document"]
    assert fits("application/zip", 10) == []
    assert fits("audio/ogg; codecs=opus", 10) == ["audio"]
    assert "takes no image/gif as image" in str(problem("image", "image/gif", 1))
    assert problem("video", "video/mp4", 20_000_000) == (
        "It has 19.1 MB; WhatsApp takes 16.0 MB as video."
    )
    assert problem("image", "image/png", 0) == "The file is empty."


class Shop:
    """A company whose customers send files."""

    def __init__(self, db: Database, folder: Path, company: int) -> None:
        self.db, self.folder, self.company = db, folder, company

    async def contact(self, number: str) -> int:
        async with self.db.write() as tx:
            return await resolve.resolve(tx, self.company, [Address("wa_id", number)], now=NOW)

    async def message(self, contact_id: int, remote_id: str) -> int:
        content = msgspec.to_builtins(Media("image", remote_id=remote_id, filename="me.png"))
        row = {
            "id": new_id(NOW),
            "company_id": self.company,
            "contact_id": contact_id,
            "phone_id": 1,
            "direction": "in",
            "state": "received",
            "kind": "media",
            "content": content,
            "source": "person",
            "created_at": NOW,
        }
        async with self.db.write() as tx:
            await tx.execute(sa.insert(messages).values(**row))
            assert await media_wanted.want(tx, [row], NOW) == 1
        return int(row["id"])

    async def fetch(self, data: bytes, at: datetime = NOW) -> bool:
        async with self.db.write() as tx:
            [wanted] = await media_wanted.claim(tx, at, 5)
            return await media_wanted.fetched(tx, wanted, keep(self.folder, data), at)

    async def sent(self, contact_id: int, data: bytes) -> int:
        message = await self.message(contact_id, f"remote-{new_id(NOW)}")
        assert await self.fetch(data)
        return message

    async def erase(self, contact_id: int) -> None:
        async with self.db.write() as tx:
            await erasure.erase(tx, [contact_id], NOW)

    async def has(self, data: bytes) -> bool:
        async with self.db.read() as tx:
            return await media.find(tx, self.company, keep(self.folder, data).sha256) is not None

    async def row(self, message_id: int) -> Any:
        async with self.db.read() as tx:
            return (await tx.execute(sa.select(messages).where(messages.c.id == message_id))).one()


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> Any:
    db = Database(database_url)
    async with db.write() as tx:
        company = await companies.create(tx, "Shop", now=NOW)
    yield Shop(db, tmp_path, company)
    await db.close()


async def test_a_file_is_found_by_its_company_only(shop: Shop) -> None:
    file = keep(shop.folder, PNG)
    async with shop.db.write() as tx:
        await media.keep(tx, shop.company, file, NOW, filename="a.png")
        await media.keep(tx, shop.company, file, NOW, filename="b.png")
        found = await media.find(tx, shop.company, file.sha256)
        assert found == media.MediaFile(
            shop.company, file.sha256, "image/png", len(PNG), "b.png", NOW
        )
        assert await media.find(tx, shop.company + 1, file.sha256) is None
        known = await media.find_many(tx, shop.company, [file.sha256, "0" * 64])
        assert known.keys() == {file.sha256}
        assert await media.find_many(tx, shop.company, []) == {}


async def test_a_customer_s_file_is_put_on_its_message(shop: Shop) -> None:
    ada = await shop.contact("391")
    message = await shop.message(ada, "77")
    async with shop.db.write() as tx:
        assert await media_wanted.is_wanted(tx, NOW)
        [wanted] = await media_wanted.claim(tx, NOW, 5)
        assert (wanted.message_id, wanted.remote_id, wanted.attempts) == (message, "77", 0)
        assert await media_wanted.claim(tx, NOW, 5) == []  # somebody is at it
        await media_wanted.fetch_later(tx, wanted, NOW + timedelta(minutes=1), "not yet")
    assert (await shop.row(message)).error == "not yet"
    later = NOW + timedelta(minutes=1)
    assert await shop.fetch(PNG, later)
    row = await shop.row(message)
    assert (row.content["sha256"], row.error) == (keep(shop.folder, PNG).sha256, None)
    async with shop.db.write() as tx:
        assert not await media_wanted.is_wanted(tx, later + timedelta(days=1))


async def test_what_will_not_come_says_so(shop: Shop) -> None:
    message = await shop.message(await shop.contact("391"), "77")
    async with shop.db.write() as tx:
        [wanted] = await media_wanted.claim(tx, NOW, 5)
        await media_wanted.give_up(tx, wanted, "WhatsApp does not have the file any more.")
        assert not await media_wanted.is_wanted(tx, NOW + timedelta(days=9))
    assert (await shop.row(message)).error == "WhatsApp does not have the file any more."


async def test_files_go_with_the_last_who_sent_them(shop: Shop) -> None:
    ada, bea = await shop.contact("391"), await shop.contact("392")
    both, own, hers = PNG + b"both", PNG + b"the shop's", PNG + b"hers"
    for contact, data in ((ada, both), (bea, both), (ada, own), (ada, hers)):
        await shop.sent(contact, data)
    async with shop.db.write() as tx:
        await media.keep(tx, shop.company, keep(shop.folder, own), NOW)
    await shop.erase(ada)
    assert [await shop.has(one) for one in (both, own, hers)] == [True, True, False]
    await shop.erase(bea)
    assert [await shop.has(one) for one in (both, own, hers)] == [False, True, False]
    async with shop.db.write() as tx:
        gone = {sha256 for _, sha256 in await media.erased(tx, 10)}
        assert gone == {keep(shop.folder, one).sha256 for one in (both, hers)}
        for sha256 in gone:
            assert not await media.is_used(tx, sha256)
            await media.forget(tx, shop.company, sha256)
        assert await media.erased(tx, 10) == []


async def test_a_file_that_comes_after_its_sender_was_erased(shop: Shop) -> None:
    ada = await shop.contact("391")
    await shop.message(ada, "77")
    async with shop.db.write() as tx:
        [wanted] = await media_wanted.claim(tx, NOW, 5)
    await shop.erase(ada)
    async with shop.db.write() as tx:
        assert not await media_wanted.fetched(tx, wanted, keep(shop.folder, PNG), NOW)
        assert len(await media.erased(tx, 10)) == 1
    assert not await shop.has(PNG)
    await shop.sent(await shop.contact("392"), PNG)  # and somebody else sends the same
    assert await shop.has(PNG)


async def test_uploads_are_known_until_they_end(shop: Shop) -> None:
    one, other = "a" * 64, "b" * 64
    async with shop.db.write() as tx:
        await media.note_upload(tx, 1, one, "old", NOW + timedelta(days=1))
        await media.note_upload(tx, 1, one, "new", NOW + timedelta(days=29))
        await media.note_upload(tx, 2, one, "of another phone", NOW + timedelta(days=29))
        assert await media.uploads(tx, 1, [one, other], NOW) == {one: "new"}
        assert await media.uploads(tx, 1, [one], NOW + timedelta(days=29)) == {}
        await media.forget_uploads(tx, 1, [one])
        assert await media.uploads(tx, 1, [one], NOW) == {}
        assert await media.uploads(tx, 2, [one], NOW) == {one: "of another phone"}
