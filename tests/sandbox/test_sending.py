"""What the Graph API accepts, and in which form it answers."""

import pytest

from tests.sandbox.bench import (
    ADA,
    PNID,
    Bench,
    Json,
    interactive_to,
    sample,
    shape_of,
    template_to,
    text_to,
)

pytestmark = pytest.mark.anyio

BUTTONS: Json = {
    "type": "button",
    "body": {"text": "Still want it?"},
    "action": {
        "buttons": [
            {"type": "reply", "reply": {"id": "y", "title": "Yes"}},
            {"type": "reply", "reply": {"id": "n", "title": "No"}},
        ]
    },
}


async def test_a_send_is_answered_in_the_real_form(bench: Bench) -> None:
    await bench.opened()
    answer = await bench.send_text(to="+1 650-555-1234")
    assert answer.status_code == 200
    body = answer.json()
    assert shape_of(body) == shape_of(sample("resp_send_ok"))
    assert body["contacts"] == [{"input": "+1 650-555-1234", "wa_id": ADA}]
    assert body["messages"][0]["id"].startswith("wamid.")


async def test_ids_are_unique(bench: Bench) -> None:
    await bench.opened()
    answers = [(await bench.send_text(str(n))).json() for n in range(20)]
    assert len({one["messages"][0]["id"] for one in answers}) == 20


async def test_sample_requests_are_accepted(bench: Bench) -> None:
    for name in ("req_text", "req_text_reply", "req_location", "req_list", "req_reply_buttons"):
        request = sample(name)
        if name == "req_list":
            for section in request["interactive"]["action"]["sections"]:
                section["title"] = "A section"
                for row in section["rows"]:
                    row["title"] = "A row"
        await bench.opened(request["to"])
        answer = await bench.send(request)
        assert answer.status_code == 200, answer.text


async def test_image_by_link_and_by_upload(bench: Bench) -> None:
    await bench.opened()
    media_id = await upload(bench)
    for image in ({"link": "https://shop.example.com/mug.png"}, {"id": media_id, "caption": "Mug"}):
        answer = await bench.send(text_to(ADA, "") | {"type": "image", "image": image})
        assert answer.status_code == 200, answer.text
    assert [one["text"] for one in await bench.all_messages()] == ["Hello", "", "Mug"]


async def upload(bench: Bench) -> str:
    answer = await bench.graph(
        "POST",
        f"{PNID}/media",
        data={"messaging_product": "whatsapp", "type": "image/png"},
        files={"file": ("mug.png", b"\x89PNG mug", "image/png")},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def test_an_upload_can_be_read_and_downloaded(bench: Bench) -> None:
    media_id = await upload(bench)
    facts = (await bench.graph("GET", media_id)).json()
    assert facts["mime_type"] == "image/png"
    assert facts["file_size"] == len(b"\x89PNG mug")
    with_token = await bench.client.get(facts["url"], headers={"Authorization": "Bearer token"})
    assert with_token.content == b"\x89PNG mug"
    assert with_token.headers["content-type"] == "image/png"
    assert (await bench.client.get(facts["url"])).status_code == 401
    assert (await bench.client.get(facts["url"] + "0")).status_code == 404


async def test_uploads_are_checked(bench: Bench) -> None:
    for file, data in (
        (("a.exe", b"MZ", "application/x-msdownload"), {"messaging_product": "whatsapp"}),
        (("a.png", b"", "image/png"), {"messaging_product": "whatsapp"}),
        (("a.png", b"x" * (5 * 1024 * 1024 + 1), "image/png"), {"messaging_product": "whatsapp"}),
        (("a.png", b"x", "image/png"), {}),
    ):
        answer = await bench.graph("POST", f"{PNID}/media", data=data, files={"file": file})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert (await bench.graph("POST", f"{PNID}/media", json={})).json()["error"]["code"] == 100


async def test_reading_a_message_and_typing(bench: Bench) -> None:
    await bench.opened()
    await bench.quiet()
    received = (await bench.all_messages())[0]
    assert received["status"] == "delivered"
    answer = await bench.send(sample("req_mark_read_typing") | {"message_id": received["id"]})
    assert answer.json() == {"success": True}
    assert (await bench.all_messages())[0]["status"] == "read"


async def test_a_reaction_sits_on_its_message(bench: Bench) -> None:
    await bench.opened(script=[{"do": "reply", "text": "again"}])
    received = (await bench.all_messages())[0]
    reaction = {"message_id": received["id"], "emoji": "👍"}
    answer = await bench.send(text_to(ADA, "") | {"type": "reaction", "reaction": reaction})
    assert answer.status_code == 200
    await bench.quiet()
    assert len(bench.receiver.messages) == 1, "a reaction does not set a script off"
    page = await bench.client.get(f"/chats/{ADA}")
    assert "👍" in page.text


async def test_a_user_without_a_number_is_written_to_by_user_id(bench: Bench) -> None:
    await bench.add(user_id="US.1234", username="ada", hide_number=True)
    await bench.acts(text="Hello")
    body = text_to(ADA, "Ciao") | {"recipient": "US.1234"}
    del body["to"]
    answer = await bench.send(body)
    assert answer.json()["contacts"] == [{"input": "US.1234", "user_id": "US.1234"}]
    await bench.quiet()
    status = bench.receiver.items("statuses")[0]
    assert status["recipient_user_id"] == status["recipient_id"] == "US.1234"


async def test_the_answer_names_the_id_as_whatsapp_spells_it(bench: Bench) -> None:
    for dialled, known in (
        ("+5511987654321", "551187654321"),
        ("552187654321", "5521987654321"),
        ("+525512345678", "5215512345678"),
        ("+541123456789", "5491123456789"),
        ("5492223456789", "542223456789"),
    ):
        await bench.opened(known)
        answer = await bench.send_text(to=dialled)
        assert answer.json()["contacts"] == [{"input": dialled, "wa_id": known}]


async def test_an_unknown_number_becomes_a_customer_who_just_receives(bench: Bench) -> None:
    await bench.seed({"name": "hello", "language": "en", "category": "UTILITY",
                      "components": [{"type": "BODY", "text": "Hello there"}]})  # fmt: skip
    answer = await bench.send(template_to("hello", to="447700900123"))
    assert answer.json()["messages"][0]["message_status"] == "accepted"
    await bench.quiet()
    assert [status for _, status in bench.receiver.statuses] == ["sent", "delivered"]
    assert (await bench.control("GET", "state"))["next_at"] is None


async def test_several_business_numbers(bench: Bench) -> None:
    second = {"phone_number_id": "222", "display_phone_number": "15550100", "waba_id": "9"}
    await bench.control("POST", "phones", json=second)
    await bench.add()
    await bench.acts(text="Hi second", phone_number_id="222")
    assert (await bench.send_text()).json()["error"]["code"] == 131047
    assert (await bench.send(text_to(ADA, "Hi"), pnid="222")).status_code == 200
    await bench.quiet()
    entries = {change["value"]["metadata"]["phone_number_id"] for change in bench.receiver.changes}
    assert entries == {"222"}
    listed = (await bench.graph("GET", "9/phone_numbers")).json()["data"]
    assert [one["id"] for one in listed] == ["222"]


async def test_facts_of_a_number(bench: Bench) -> None:
    fields = "display_phone_number,verified_name,quality_rating,status,throughput"
    facts = (await bench.graph("GET", f"{PNID}?fields={fields}")).json()
    assert facts == {
        "id": PNID,
        "display_phone_number": "15550783881",
        "verified_name": "Blue Mug Shop",
        "quality_rating": "GREEN",
        "status": "CONNECTED",
        "throughput": {"level": "STANDARD"},
    }


async def test_subscribing_and_the_challenge(bench: Bench) -> None:
    answer = await bench.graph("POST", f"{bench.config.waba_id}/subscribed_apps")
    assert answer.json() == {"success": True}
    assert await bench.control("POST", "webhook/check") == {"ok": True}


async def test_interactive_messages_show_their_options(bench: Bench) -> None:
    await bench.opened()
    await bench.send(interactive_to(BUTTONS))
    message = (await bench.all_messages())[-1]
    assert message["text"] == "Still want it?"
    assert message["buttons"] == [
        {"kind": "reply", "id": "y", "title": "Yes"},
        {"kind": "reply", "id": "n", "title": "No"},
    ]
