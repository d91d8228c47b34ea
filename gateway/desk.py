"""What one webhook's POST is taken in with: its transaction, its phones, what was done so far.

Rule: only phones whose app secret signed the POST are known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.channel import AccountChanged, News, PhoneChanged, Sender, TemplateChanged
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


async def introduce(desk: Desk, news: Sequence[News], app_secret: str) -> None:
    """Learn the phones and accounts that the news speak of and `app_secret` may speak for."""
    remote_ids = sorted({one.phone for one in news if not isinstance(one, OF_ACCOUNTS)})
    accounts = sorted({one.account for one in news if isinstance(one, OF_ACCOUNTS)})
    signed = [
        phone
        for phone in (
            *(await phone_use.by_remote_ids(desk.tx, remote_ids) if remote_ids else ()),
            *(await phone_use.by_accounts(desk.tx, accounts) if accounts else ()),
        )
        if app_secret and phone.secret("app_secret") == app_secret
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
    return Person(ways, name=sender.name)
