"""The messages of all chats and what holds between a customer and a business number."""

from dataclasses import dataclass

import msgspec

from sandbox.memory import Json, Memory, Row
from sandbox.pace import PAIR_BURST, Bucket
from sandbox.shown import buttons_and_rows
from sandbox.world import iso

SERVICE_WINDOW_S = 24 * 3600
"""How long after a customer's message free-form messages are allowed."""


@dataclass(slots=True, kw_only=True)
class NewMessage:
    """A message to remember; `direction` is seen from the business: in or out.

    `opened`: it went to somebody outside their service window.
    """

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
    template_id: str | None = None
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    """What holds between a customer and a number: last message in, pair permissions, a block."""

    last_in: float | None
    pair: Bucket
    blocked_at: float | None

    def window_open(self, now: float) -> bool:
        """Say whether the customer wrote to this number in the last 24 hours."""
        return self.last_in is not None and now - self.last_in < SERVICE_WINDOW_S


def add(memory: Memory, message: NewMessage) -> int:
    """Remember a message and return its number n. The caller notes it as the customer's last."""
    return memory.do(
        "insert into messages (id, direction, wa_id, phone_number_id, type, text, shown, template,"
        " category, billable, at, callback_data, status, error, context_id, template_id, opened)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        message.id,
        message.direction,
        message.wa_id,
        message.phone_number_id,
        message.type,
        message.shown.get("text", ""),
        msgspec.json.encode(message.shown).decode(),
        message.template,
        message.category,
        message.billable,
        message.at,
        message.callback_data,
        message.status,
        message.error,
        message.context_id,
        message.template_id,
        message.opened,
    )


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


def between(memory: Memory, wa_id: str, phone_number_id: str, now: float) -> Chat:
    """Return what holds between a customer and a number; a new chat has all permissions."""
    row = memory.one(
        "select last_in, pair_tokens, pair_at, blocked_at from chats"
        " where wa_id = ? and phone_number_id = ?",
        wa_id,
        phone_number_id,
    )
    if row is None:
        return Chat(None, Bucket(PAIR_BURST, now), None)
    return Chat(row["last_in"], Bucket(row["pair_tokens"], row["pair_at"]), row["blocked_at"])


def open_window(memory: Memory, wa_id: str, phone_number_id: str, at: float) -> None:
    """Open or renew the service window: the customer wrote, which also ends a block."""
    memory.do(
        "insert into chats (wa_id, phone_number_id, last_in, pair_tokens, pair_at)"
        " values (?, ?, ?, ?, ?) on conflict do update set"
        " last_in = max(coalesce(last_in, 0), excluded.last_in), blocked_at = null",
        wa_id,
        phone_number_id,
        at,
        PAIR_BURST,
        at,
    )


def block(memory: Memory, wa_id: str, phone_number_id: str, at: float | None) -> None:
    """Remember that the customer blocked the number; None that they do not any more."""
    memory.do(
        "insert into chats (wa_id, phone_number_id, pair_tokens, pair_at, blocked_at)"
        " values (?1, ?2, ?3, coalesce(?4, 0), ?4)"
        " on conflict do update set blocked_at = excluded.blocked_at",
        wa_id,
        phone_number_id,
        PAIR_BURST,
        at,
    )


def save_pair_bucket(memory: Memory, wa_id: str, phone_number_id: str, bucket: Bucket) -> None:
    """Remember what is left of the pair's permissions."""
    memory.do(
        "insert into chats (wa_id, phone_number_id, pair_tokens, pair_at) values (?, ?, ?, ?)"
        " on conflict do update set pair_tokens = excluded.pair_tokens, pair_at = excluded.pair_at",
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
        "buttons": buttons_and_rows(msgspec.json.decode(row["shown"])),
        "template": row["template"],
        "at": iso(row["at"]),
        "callback_data": row["callback_data"],
        "status": row["status"],
        "error": row["error"],
        "context_id": row["context_id"],
    }
