"""A number in the pretend WhatsApp, so that everything can be tried without a real one."""

from __future__ import annotations

from datetime import timedelta

from store import phones
from web.config import WebConfig
from web.phones.asking import Known, ask

KNOWN_FOR = timedelta(days=365)  # a number WhatsApp has known for a while, so no warm-up slows it
NOT_HERE = "There is no pretend WhatsApp on this installation."
SILENT = (
    "The pretend WhatsApp does not answer. Start it (`tiptoe sandbox`, or `tiptoe up`) and try "
    "again, or go on without."
)
TAKEN = "Another company uses the number of the pretend WhatsApp already."


async def add_pretend(web: WebConfig, company_id: int) -> str:
    """Connect the pretend number; "" or why not, in words."""
    one = web.pretend
    if one is None:
        return NOT_HERE
    known = await ask(one.base_url, one.version, one.remote_id, one.token)
    if not isinstance(known, Known):
        return SILENT
    async with web.database.write() as tx:
        if await phones.find_by_remote_id(tx, one.remote_id) is not None:
            return TAKEN
        await phones.create(
            tx,
            company_id,
            "cloud_api",
            web.clock() - KNOWN_FOR,
            name=one.name,
            number=one.number,
            remote_id=one.remote_id,
            account_id=one.account_id,
            credentials={"token": one.token, "app_secret": one.app_secret},
            base_url=one.base_url,
            version=one.version,
        )
    await web.bell.ring_gateway()
    return ""
