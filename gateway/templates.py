"""Keeping our list of templates like WhatsApp's: read from every account, now and then.

Rule: the account is the truth; what it does not list any more is deleted here too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from msgspec import Struct

from gateway.channel import SendError
from gateway.channels.cloud_api import CloudApi
from gateway.channels.cloud_api.account import Account
from gateway.claims import access_to
from store import phone_use, templates
from store.database import Database
from store.phone_use import SendingPhone

KIND = "cloud_api"
EVERY_S = 3600.0
SOON_S = 60.0  # after an account that could not be read
log = structlog.get_logger(__name__)


class Synced(Struct, frozen=True):
    """What a look at the accounts gave: accounts read, templates found and gone, and what could
    not be read, in words.
    """

    accounts: int = 0
    found: int = 0
    gone: int = 0
    problems: tuple[str, ...] = ()


async def sync(
    database: Database,
    channel: CloudApi,
    clock: Callable[[], datetime],
    company_id: int | None = None,
) -> Synced:
    """Read the templates of every account, or of one company's."""
    async with database.read() as tx:
        of = [] if company_id is None else [company_id]
        phones = await (phone_use.of_companies(tx, of) if of else phone_use.of_kinds(tx, [KIND]))
    total = Synced()
    for mine in _accounts(phones):
        total = await _sync_one(database, channel, clock, mine, total)
    return total


async def keep_up(database: Database, channel: CloudApi, clock: Callable[[], datetime]) -> None:
    """Read all templates at once and every hour, until it is cancelled."""
    while True:
        try:
            synced = await sync(database, channel, clock)
            wait = SOON_S if synced.problems else EVERY_S
        except Exception as error:  # noqa: BLE001 - the database is away; nothing hangs on it
            log.info("templates were not read", error=repr(error))
            wait = SOON_S
        await asyncio.sleep(wait)


async def _sync_one(
    database: Database,
    channel: CloudApi,
    clock: Callable[[], datetime],
    phones: Sequence[SendingPhone],
    total: Synced,
) -> Synced:
    rows: object = None
    for phone in phones:  # one whose token was taken back must not hide the others
        rows = await account_of(channel, phone).templates()
        if not isinstance(rows, SendError):
            break
    first = phones[0]
    account_id = first.account_id or ""
    if not isinstance(rows, list):
        said = rows.message if isinstance(rows, SendError) else ""
        log.info("templates cannot be read", company=first.company_id, phone=first.id)
        problem = f"The templates of account {account_id} cannot be read: {said}"
        return Synced(total.accounts, total.found, total.gone, (*total.problems, problem))
    now = clock()
    async with database.write("gateway.templates") as tx:
        await templates.upsert(tx, first.company_id, rows, now)
        listed = {(row["name"], row["language"]) for row in rows}
        gone = await templates.forget_others(tx, first.company_id, account_id, listed, now)
    return Synced(total.accounts + 1, total.found + len(rows), total.gone + gone, total.problems)


def account_of(channel: CloudApi, phone: SendingPhone) -> Account:
    """The account that a phone belongs to."""
    return Account(channel.wire, access_to(phone), phone.account_id or "")


def _accounts(phones: Sequence[SendingPhone]) -> list[list[SendingPhone]]:
    """The phones of each company's accounts."""
    found: dict[tuple[int, str], list[SendingPhone]] = {}
    for phone in phones:
        if phone.kind == KIND and phone.account_id and phone.remote_id:
            found.setdefault((phone.company_id, phone.account_id), []).append(phone)
    return list(found.values())
