"""Files: resumable uploads for templates, how long media are kept, and files of older sandboxes."""

import sqlite3

import httpx
import pytest

from tests.sandbox.bench import ADA, PNID, Bench, Json, Running, text_to
from tests.sandbox.test_sending import upload

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG a mug"


async def begun(bench: Bench, kind: str = "image/png", length: object = len(PNG)) -> str:
    query = {"file_name": "mug.png", "file_type": kind, "file_length": str(length)}
    app = (await bench.graph("GET", "app")).json()
    answer = await bench.graph("POST", f"{app['id']}/uploads", params=query)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def put(bench: Bench, upload_id: str, data: bytes, offset: int = 0) -> httpx.Response:
    headers = {"Authorization": "OAuth token", "file_offset": str(offset)}
    return await bench.client.post(f"/v24.0/{upload_id}", content=data, headers=headers)


def with_header(handle: object, kind: str = "IMAGE") -> Json:
    header = {"type": "HEADER", "format": kind, "example": {"header_handle": [handle]}}
    body = {"type": "BODY", "text": "Look"}
    return {"name": "look", "language": "en", "category": "MARKETING", "components": [header, body]}


async def test_a_handle_for_a_templates_header(bench: Bench) -> None:
    upload_id = await begun(bench)
    assert upload_id.startswith("upload:")
    handle = (await put(bench, upload_id, PNG)).json()["h"]
    path = f"{bench.config.waba_id}/message_templates"
    wrong = await bench.graph("POST", path, json=with_header(handle, "VIDEO"))
    assert wrong.json()["error"]["code"] == 100
    assert (await bench.graph("POST", path, json=with_header(handle))).status_code == 200
    odd = with_header(handle) | {"name": "odd"}
    odd["components"][1]["cards"] = 5
    assert (await bench.graph("POST", path, json=odd)).status_code == 200
    for other in ("https://shop.example.com/mug.png", 7, "mug"):
        refused = await bench.graph("POST", path, json=with_header(other) | {"name": "other"})
        assert refused.json()["error"]["code"] == 100, other


async def test_a_broken_upload_goes_on_where_it_was(bench: Bench) -> None:
    upload_id = await begun(bench)
    first = await put(bench, upload_id, PNG[:4])
    assert first.json() == {"id": upload_id, "file_offset": 4}
    assert (await bench.graph("GET", upload_id)).json() == {"id": upload_id, "file_offset": 4}
    again = await put(bench, upload_id, PNG[:4])
    assert "file_offset must be 4" in again.json()["error"]["error_data"]["details"]
    assert (await put(bench, upload_id, PNG[4:], 4)).json()["h"].startswith("4::")
    too_much = await begun(bench, length=2)
    assert (await put(bench, too_much, PNG)).status_code == 400


async def test_uploads_are_checked(bench: Bench) -> None:
    for query in (
        {"file_type": "text/html", "file_length": "1"},
        {"file_type": "image/png", "file_length": "many"},
        {"file_type": "image/png"},
    ):
        answer = await bench.graph("POST", "app/uploads", params=query)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert (await put(bench, "upload:nothing", PNG)).json()["error"]["error_subcode"] == 33
    upload_id = await begun(bench)
    bare = await bench.client.post(f"/v24.0/{upload_id}", content=PNG)
    assert bare.status_code == 401


async def test_media_are_kept_for_a_while_or_deleted(bench: Bench) -> None:
    await bench.opened()
    ours, second = await upload(bench), await upload(bench)
    await bench.acts(image={})
    await bench.quiet()
    theirs = bench.receiver.messages[-1]["image"]["id"]
    bench.clock.forward(days=7)
    assert (await bench.graph("GET", theirs)).status_code == 200
    bench.clock.forward(seconds=1)
    assert (await bench.graph("GET", theirs)).status_code == 400
    assert (await bench.graph("DELETE", second)).json() == {"success": True}
    assert (await bench.graph("DELETE", second)).status_code == 400
    bench.clock.forward(days=24)
    await bench.acts(text="Still there?")
    sent = await bench.send(text_to(ADA, "") | {"type": "image", "image": {"id": ours}})
    assert sent.json()["error"]["code"] == 100


async def test_a_file_of_an_older_sandbox_is_taken_over(running: Running) -> None:
    async with running() as bench:
        await bench.opened()
        path = bench.config.data_file
    with sqlite3.connect(path) as file:
        for table, column in (("chats", "blocked_at"), ("phones", "quality"), ("outbox", "items")):
            file.execute(f"alter table {table} drop column {column}")
        file.execute("drop table settings")
    file.close()
    async with running() as bench:
        assert (await bench.send_text()).status_code == 200
        assert (await bench.graph("GET", PNID)).json()["quality_rating"] == "GREEN"
