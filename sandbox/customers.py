"""The pretend customers and their settings; who they are, not what they do."""

import json
from collections.abc import Iterable

import msgspec

from sandbox.behaviour import Rule
from sandbox.memory import Memory, Row
from sandbox.numbers import spellings

COLUMNS = (
    "name, user_id, username, hide_number, script, reads, delivered_after_s, read_after_s,"
    " unreachable"
)


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pretend customer as the control API takes it; delays are seconds of the sandbox's clock.

    `wa_id` is digits; `user_id` (such as US.134…) with `hide_number` makes a user whose webhooks
    carry no number. `delivered_after_s` counts from the send, `read_after_s` from the delivery;
    None there means read when someone opens the chat on the phone page, or when the customer
    answers. `read` false: no read receipts at all. `unreachable`: statuses fail with 131026.
    """

    wa_id: str
    name: str = ""
    user_id: str | None = None
    username: str | None = None
    hide_number: bool = False
    script: tuple[Rule, ...] = ()
    read: bool = True
    delivered_after_s: float = 0
    read_after_s: float | None = 1
    unreachable: bool = False

    def __post_init__(self) -> None:
        if not (self.wa_id.isascii() and self.wa_id.isdigit()):
            raise ValueError("wa_id must be digits, with the country code and without +")
        if self.hide_number and not self.user_id:
            raise ValueError("a customer who hides the number needs a user_id")
        if self.delivered_after_s < 0 or (self.read_after_s or 0) < 0:
            raise ValueError("delays cannot be negative")


def save(memory: Memory, customers: Iterable[Customer]) -> None:
    """Add customers, or change the settings of those who exist; chats and counts stay."""
    memory.do_all(
        f"insert into customers (wa_id, {COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        " on conflict (wa_id) do update set name = excluded.name, user_id = excluded.user_id,"
        " username = excluded.username, hide_number = excluded.hide_number,"
        " script = excluded.script, reads = excluded.reads,"
        " delivered_after_s = excluded.delivered_after_s, read_after_s = excluded.read_after_s,"
        " unreachable = excluded.unreachable",
        (
            (
                one.wa_id,
                one.name or one.wa_id,
                one.user_id,
                one.username,
                one.hide_number,
                msgspec.json.encode(one.script).decode(),
                one.read,
                one.delivered_after_s,
                one.read_after_s,
                one.unreachable,
            )
            for one in customers
        ),
    )


def meet(memory: Memory, wa_id: str, name: str = "") -> Row:
    """Return the customer with this id; one never heard of becomes one who just receives."""
    found = find(memory, wa_id)
    if found is None:
        save(memory, [Customer(wa_id=wa_id, name=name, read_after_s=None)])
        found = find(memory, wa_id)
    assert found is not None  # noqa: S101 - it was saved in the line above
    return found


def find(memory: Memory, wa_id: str) -> Row | None:
    """Find a customer by the exact WhatsApp id."""
    return memory.one("select * from customers where wa_id = ?", wa_id)


def find_dialled(memory: Memory, digits: str) -> Row | None:
    """Find a customer by a dialled number, whose WhatsApp id may be spelled differently."""
    candidates = (find(memory, one) for one in spellings(digits))
    return next((one for one in candidates if one is not None), None)


def find_by_user_id(memory: Memory, user_id: str) -> Row | None:
    """Find a customer by the business-scoped user id."""
    return memory.one("select * from customers where user_id = ?", user_id)


def read_back(row: Row) -> Customer:
    """Return a stored customer in the control API's form."""
    return Customer(
        wa_id=row["wa_id"],
        name=row["name"],
        user_id=row["user_id"],
        username=row["username"],
        hide_number=bool(row["hide_number"]),
        script=script_of(row),
        read=bool(row["reads"]),
        delivered_after_s=row["delivered_after_s"],
        read_after_s=row["read_after_s"],
        unreachable=bool(row["unreachable"]),
    )


def script_of(row: Row) -> tuple[Rule, ...]:
    """Return a stored customer's script."""
    if row["script"] == "[]":
        return ()
    return msgspec.convert(json.loads(row["script"]), tuple[Rule, ...])
