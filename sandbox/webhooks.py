"""The webhooks that Meta would send: their envelopes, their bytes, their signature. Pure."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from sandbox.memory import Json, Row
from sandbox.refusals import failure


class Parcel(NamedTuple):
    """One waiting notification: a `value` of one change, kept in order within its `lane`.

    `items` counts the statuses or messages in it.
    """

    n: int
    lane: str
    waba_id: str
    field: str
    value: Json
    at: int
    message_id: str | None
    items: int = 1


def metadata_of(phone: Row) -> Json:
    """Return the part of each value that says which business number it is about."""
    return {
        "display_phone_number": phone["display_phone_number"],
        "phone_number_id": phone["phone_number_id"],
    }


def contact_of(customer: Row) -> Json:
    """Return the card of a customer; one who hides the number is known by the user id only."""
    profile = {"name": customer["name"]}
    if customer["username"]:
        profile["username"] = customer["username"]
    contact: Json = {"profile": profile}
    if not customer["hide_number"]:
        contact["wa_id"] = customer["wa_id"]
    if customer["user_id"]:
        contact["user_id"] = customer["user_id"]
    return contact


def message_value(phone: Row, customer: Row, message: Json) -> Json:
    """Return the value for one incoming message; `message` has id, timestamp, type, content."""
    sender: Json = {}
    if not customer["hide_number"]:
        sender["from"] = customer["wa_id"]
    if customer["user_id"]:
        sender["from_user_id"] = customer["user_id"]
    return {
        "messaging_product": "whatsapp",
        "metadata": metadata_of(phone),
        "contacts": [contact_of(customer)],
        "messages": [sender | message],
    }


def status_value(
    phone: Row,
    customer: Row,
    message: Row | Json,
    statuses: Sequence[str],
    at: float,
    details: str = "",
) -> Json:
    """Return the value for a message's statuses of one moment; a failed one gives `details`.

    Of the message it needs id, callback_data, error, billable and category.
    """
    item: Json = {"id": message["id"], "status": statuses[0], "timestamp": str(int(at))}
    item["recipient_id"] = customer["user_id"] if customer["hide_number"] else customer["wa_id"]
    if message["callback_data"] is not None:
        item["biz_opaque_callback_data"] = message["callback_data"]
    if statuses[0] == "failed":
        item["errors"] = [failure(message["error"], details)]
    else:
        item["pricing"] = {
            "billable": bool(message["billable"]),
            "pricing_model": "PMP",
            "type": "regular" if message["billable"] else "free_customer_service",
            "category": message["category"],
        }
    if customer["user_id"]:
        item["recipient_user_id"] = customer["user_id"]
    return {
        "messaging_product": "whatsapp",
        "metadata": metadata_of(phone),
        "contacts": [contact_of(customer)],
        "statuses": [item, *(item | {"status": one} for one in statuses[1:])],
    }


def envelope(parcels: Iterable[Parcel]) -> bytes:
    """Return the body of one POST: values about the same chat are merged, order is kept.

    Non-ASCII characters are escaped with lowercase hex digits, as Meta does before signing.
    """
    entries: list[Json] = []
    chats: dict[str, Json] = {}
    for parcel in parcels:
        change = {"value": parcel.value, "field": parcel.field}
        if parcel.field != "messages":
            entries.append({"id": parcel.waba_id, "time": parcel.at, "changes": [change]})
            continue
        entry = chats.get(parcel.waba_id)
        if entry is None:
            entry = chats[parcel.waba_id] = {"id": parcel.waba_id, "changes": []}
            entries.append(entry)
        if not (entry["changes"] and _merge(entry["changes"][-1]["value"], parcel.value)):
            entry["changes"].append({"value": dict(parcel.value), "field": parcel.field})
    body = {"object": "whatsapp_business_account", "entry": entries}
    raw = msgspec.json.encode(body)
    # The quick encoder writes the same bytes as long as there is nothing to escape.
    return raw if raw.isascii() else json.dumps(body, separators=(",", ":")).encode()


def _merge(value: Json, other: Json) -> bool:
    """Append the other's items if both speak of the same chat in the same way."""
    kind = "statuses" if "statuses" in value else "messages"
    if kind not in other or any(value[key] != other[key] for key in ("metadata", "contacts")):
        return False
    value[kind] = value[kind] + other[kind]
    return True


def sign(app_secret: str, body: bytes) -> str:
    """Return the X-Hub-Signature-256 header of a body."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
