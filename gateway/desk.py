"""What one webhook's POST is taken in with: its transaction, its phones, what was done so far.

Rule: only phones whose app secret signed the POST are known here, or whose own line told it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.news import AccountChanged, News, PhoneChanged, Sender, TemplateChanged
from gateway.tally import Tally
from store import phone_use
from store.addresses import Address
from store.phone_use import SendingPhone
from store.resolve import Person

OF_ACCOUNTS = (TemplateChanged, AccountChanged, PhoneChanged)


class Desk:
    """One POST being taken in."""

    def __init__(self, tx: AsyncConnection, now: datetime) -> None:
        self.tx = tx
        self.now = now
        self.by_remote: dict[str, SendingPhone] = {}
        self.by_account: dict[str, list[SendingPhone]] = {}
        self.messages = self.receipts = self.events = 0
        self.companies: set[int] = set()
        self.tally = Tally()
        self.states: dict[int, str] = {}  # of phones whose state changed here


async def introduce(
    desk: Desk, news: Sequence[News], app_secret: str, own_phones: Collection[int]
) -> None:
    """Learn the phones and accounts that the news speak of and that may be believed: those
    `app_secret` may speak for, and the `own_phones` (ids) whose lines end in this process.
    """
    remote_ids = sorted({one.phone for one in news if not isinstance(one, OF_ACCOUNTS)})
    accounts = sorted({one.account for one in news if isinstance(one, OF_ACCOUNTS)})
    signed = [
        phone
        for phone in (
            *(await phone_use.by_remote_ids(desk.tx, remote_ids) if remote_ids else ()),
            *(await phone_use.by_accounts(desk.tx, accounts) if accounts else ()),
        )
        if phone.id in own_phones or (app_secret and phone.secret("app_secret") == app_secret)
    ]
    for phone in signed:
        desk.by_remote[phone.remote_id or ""] = phone
        in_account = desk.by_account.setdefault(phone.account_id or "", [])
        if phone not in in_account:
            in_account.append(phone)


def is_ours(desk: Desk, one: News) -> bool:
    """Whether the signature is good for what this is about."""
    if isinstance(one, OF_ACCOUNTS):
        return bool(one.account) and one.account in desk.by_account
    return bool(one.phone) and one.phone in desk.by_remote


def person_of(sender: Sender) -> Person:
    """Who somebody is, by all addresses that came with them."""
    ways: list[Address] = []
    if sender.wa_id:
        ways.append(Address("wa_id", sender.wa_id))
    if sender.user_id:
        ways.append(Address("user_id", sender.user_id))
    if sender.lid:
        ways.append(Address("lid", sender.lid))
    return Person(ways, name=sender.name)
