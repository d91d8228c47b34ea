"""The messages of all chats and what holds between a customer and a business number."""

import json
from dataclasses import dataclass

from sandbox.memory import Json, Memory, Row
from sandbox.pace import PAIR_BURST, Bucket
from sandbox.shown import buttons_and_rows
from sandbox.world import iso

SERVICE_WINDOW_S = 24 * 3600
"""How long after a customer's message free-form messages are allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to remember; `direction` is seen from the business: in or out."""

    id: str
    direction: str
    wa_id: str
    phone_number_id: str
    type: str
    shown: Json
    at: float
    status: str
    template: str | None = None
    category: str | None = None
    billable: bool = False
    callback_data: str | None = None
    error: int | None = None
    context_id: str | None = None


def add(memory: Memory, message: NewMessage) -> int:
    """Remember a message and return its number n."""
    n = memory.do(
        "insert into messages (id, direction, wa_id, phone_number_id, type, text, shown, template,"
        " category, billable, at, callback_data, status, error, context_id)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        message.id,
        message.direction,
        message.wa_id,
        message.phone_number_id,
        message.type,
        message.shown.get("text", ""),
        json.dumps(message.shown),
        message.template,
        message.category,
        message.billable,
        message.at,
        message.callback_data,
        message.status,
        message.error,
        message.context_id,
    )
    memory.do("update customers set last_n = ? where wa_id = ?", n, message.wa_id)
    return n


def get(memory: Memory, n: int) -> Row:
    """Return the message with the number n."""
    row = memory.one("select * from messages where n = ?", n)
    if row is None:
        raise LookupError(f"there is no message {n}")
    return row


def find(memory: Memory, message_id: str) -> Row | None:
    """Find a message by its wamid."""
    return memory.one("select * from messages where id = ?", message_id)


def unread_by(memory: Memory, wa_id: str, phone_number_id: str | None) -> list[Row]:
    """Return what reached the customer and was not read yet, of one number or of all."""
    return memory.all(
        "select * from messages where wa_id = ?1 and direction = 'out' and status = 'delivered'"
        " and type <> 'reaction' and (?2 is null or phone_number_id = ?2) order by n",
        wa_id,
        phone_number_id,
    )


def window_open(memory: Memory, wa_id: str, phone_number_id: str, now: float) -> bool:
    """Say whether the customer wrote to this number in the last 24 hours."""
    row = memory.one(
        "select last_in from chats where wa_id = ? and phone_number_id = ?", wa_id, phone_number_id
    )
    return (
        row is not None and row["last_in"] is not None and now - row["last_in"] < SERVICE_WINDOW_S
    )


def open_window(memory: Memory, wa_id: str, phone_number_id: str, at: float) -> None:
    """Open or renew the service window: the customer wrote."""
    memory.do(
        "insert into chats values (?, ?, ?, ?, ?) on conflict do update set"
        " last_in = max(coalesce(last_in, 0), excluded.last_in)",
        wa_id,
        phone_number_id,
        at,
        PAIR_BURST,
        at,
    )


def pair_bucket(memory: Memory, wa_id: str, phone_number_id: str, now: float) -> Bucket:
    """Return how much the number may still send to the customer."""
    row = memory.one(
        "select pair_tokens, pair_at from chats where wa_id = ? and phone_number_id = ?",
        wa_id,
        phone_number_id,
    )
    return Bucket(row["pair_tokens"], row["pair_at"]) if row else Bucket(PAIR_BURST, now)


def save_pair_bucket(memory: Memory, wa_id: str, phone_number_id: str, bucket: Bucket) -> None:
    """Remember what is left of the pair's permissions."""
    memory.do(
        "insert into chats values (?, ?, null, ?, ?) on conflict do update set"
        " pair_tokens = excluded.pair_tokens, pair_at = excluded.pair_at",
        wa_id,
        phone_number_id,
        bucket.tokens,
        bucket.at,
    )


def as_json(row: Row) -> Json:
    """Return a message in the control API's form."""
    return {
        "n": row["n"],
        "id": row["id"],
        "direction": row["direction"],
        "wa_id": row["wa_id"],
        "phone_number_id": row["phone_number_id"],
        "type": row["type"],
        "text": row["text"],
        "buttons": buttons_and_rows(json.loads(row["shown"])),
        "template": row["template"],
        "at": iso(row["at"]),
        "callback_data": row["callback_data"],
        "status": row["status"],
        "error": row["error"],
        "context_id": row["context_id"],
    }
