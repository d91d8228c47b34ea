"""Files by API: uploaded, checked, fetched by their company only, and nothing to run in them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import sqlalchemy as sa

from store import resolve
from store.addresses import Address
from store.files import UNFINISHED
from store.ids import new_id
from store.media import media_files
from store.messages import messages
from tests.web.conftest import NOW, House
from web.api.media import BODY_LIMIT, TOO_LARGE
from web.messages import bubbles

pytestmark = pytest.mark.anyio
AT = "/api/v1/media"
PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"
HASH = hashlib.sha256(PNG).hexdigest()


def form(data: bytes, name: str = "a.png", said: str = "image/png") -> dict[str, Any]:
    return {"file": (name, data, said)}


async def test_uploaded_and_fetched_again(both_houses: House) -> None:
    house = both_houses
    machine = house.machine()
    for _ in range(2):
        answer = await machine.post(AT, files=form(PNG, "../../caffè.png"))
        assert answer.status_code == 201, answer.text
        assert answer.json() == {
            "sha256": HASH,
            "mime_type": "image/png",
            "size": len(PNG),
            "filename": "caffè.png",
            "kinds": ["image"],
        }
    [row] = await house.rows(sa.select(media_files))
    assert (row.company_id, row.uploaded) == (house.company, True)
    found = await machine.get(f"{AT}/{HASH}")
    assert (found.status_code, found.content) == (200, PNG)
    assert found.headers["content-type"] == "image/png"
    assert found.headers["content-length"] == str(len(PNG))
    assert found.headers["content-disposition"] == "inline; filename*=UTF-8''caff%C3%A8.png"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cache-control"].startswith("private")
    stranger = house.machine(house.other_key)
    assert (await stranger.get(f"{AT}/{HASH}")).status_code == 404
    assert (await house.client().get(f"{AT}/{HASH}")).status_code == 401


async def test_it_can_be_sent(house: House) -> None:
    machine = house.machine()
    await machine.post(AT, files=form(PNG))
    message = {"to": {"phone": "+393331234567"}, "media": {"kind": "image", "sha256": HASH}}
    assert (await machine.post("/api/v1/messages", json=message)).status_code == 202


async def test_what_could_run_is_text_to_save(house: House) -> None:
    machine = house.machine()
    page = b"<html><script>alert(1)</script>"
    answer = await machine.post(AT, files=form(page, "x.html", "text/html"))
    assert answer.json()["mime_type"] == "text/plain"
    found = await machine.get(f"{AT}/{hashlib.sha256(page).hexdigest()}")
    assert found.headers["content-type"].startswith("text/plain")
    assert found.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty."),
        (b"MZ\x00\x01", "no files of this type (application/octet-stream)"),
        (b"GIF89a", "no files of this type (image/gif)"),
        (PNG + b"x" * (5 * 1024 * 1024), "at most 5 MB as image"),
    ],
)
async def test_what_whatsapp_does_not_take(house: House, data: bytes, words: str) -> None:
    answer = await house.machine().post(AT, files=form(data))
    assert answer.status_code == 422, answer.text
    assert words in answer.text
    assert await house.rows(sa.select(media_files)) == []
    assert list((house.web.media / UNFINISHED).iterdir()) == []


async def test_no_form_no_file_no_right(house: House) -> None:
    machine = house.machine()
    assert (await machine.post(AT, json={})).status_code == 415
    assert (await machine.post(AT, content=b"", headers=MULTIPART)).status_code in (400, 422)
    assert (await machine.post(AT, files={"other": ("a.png", PNG, "")})).status_code == 422
    assert (await machine.post(AT, files={"file": (None, "words")})).status_code == 422
    assert (await machine.post(AT, files={"file": (None, PNG)})).status_code == 400
    large = MULTIPART | {"content-length": str(BODY_LIMIT + 1)}
    refused = await machine.post(AT, content=b"", headers=large)
    assert (refused.status_code, refused.json()["error"]["message"]) == (413, TOO_LARGE)
    for strange in ("x", HASH.upper(), "..%2f..%2fetc", "0" * 64):
        assert (await machine.get(f"{AT}/{strange}")).status_code == 404
    viewer = await house.signed_in("viewer")
    assert (await viewer.post(AT, files=form(PNG))).status_code == 403


MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


async def test_bytes_that_are_gone(house: House) -> None:
    machine = house.machine()
    await machine.post(AT, files=form(PNG))
    (house.web.media / HASH[:2] / HASH).unlink()
    assert (await machine.get(f"{AT}/{HASH}")).status_code == 404


async def test_a_customer_s_file_that_did_not_come_says_why(house: House) -> None:
    async with house.web.database.write() as tx:
        contact = await resolve.resolve(tx, house.company, [Address("wa_id", "39333")], now=NOW)
        row: dict[str, Any] = {"id": new_id(NOW), "company_id": house.company}
        row |= {"contact_id": contact}
        row |= {"kind": "media", "direction": "in", "state": "received", "source": "person"}
        content = {"type": "media", "media": "image", "remote_id": "77"}
        row |= {"content": content, "error": "The file is gone.", "created_at": NOW}
        await tx.execute(sa.insert(messages).values(**row))
        [shown] = await bubbles.of_contact(tx, house.company, contact, before=None)
    assert (shown.said, shown.bad) == ("received: The file is gone.", False)
