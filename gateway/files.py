"""Files on their way: those of customers are fetched soon after they came, ours are brought to the
channel before the message that shows them.

Rule: bytes go to `store.files` and nowhere else; between two transactions nothing but the network
happens. A file that cannot be had never holds up anything but its own message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from msgspec import structs

from flows.content import Content, Media, files_of, with_files
from gateway.channel import Accepted, Address, Channel, LocalFile, PhoneAccess, SendError
from gateway.claims import access_to
from store import media, media_wanted, phone_use
from store.database import Database
from store.file_types import LARGEST, problem
from store.files import Kept, NewFile, TooLargeError, forget, path_of, tidy
from store.media_wanted import Wanted
from store.phone_use import SendingPhone

AT_ONCE = 4  # downloads of one worker
UPLOAD_LASTS = timedelta(days=29)  # Meta keeps uploads for thirty days
RETRIES_S = (10, 60, 300, 1800, 7200, 21600, 86400)  # WhatsApp keeps customers' files for a week
HOPELESS = ("our_request", "media")  # gone, too large, or of a channel that has none
NOT_THERE_ANY_MORE = (100, 131008, 131009, 131053)  # codes for an upload that Meta has forgotten
SWEEP = 100
NOT_KEPT = SendError("our_request", 0, "The file of this message is not kept any more.")
NOT_BROUGHT = SendError("unreachable", 0, "Its file could not be brought to WhatsApp.")
TOO_LARGE = "The file is larger than WhatsApp allows."

log = structlog.get_logger(__name__)


class Files:
    """One worker's files: `folder` holds the bytes, `channels` by kind bring and fetch them."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        channels: Mapping[str, Channel],
        folder: Path,
    ) -> None:
        self.database = database
        self.clock = clock
        self.channels = channels
        self.folder = folder

    async def send(
        self,
        company_id: int,
        kind: str,
        phone: PhoneAccess,
        to: Address,
        content: Content,
        *,
        reference: str,
        quoted: str = "",
    ) -> Accepted | SendError:
        """Hand a message over with its files at the channel. What Meta has forgotten is brought
        there once more: the refusal says that the message did not leave.
        """
        channel = self.channels[kind]
        kept = {one.sha256 for one in files_of(content) if one.sha256 and not one.remote_id}
        if not kept:
            return await channel.send(phone, to, content, reference=reference, quoted=quoted)
        try:
            async with self.database.read() as tx:
                known = await media.uploads(tx, phone.id, kept, self.clock())
            ready = await self._with_uploads(company_id, channel, phone, content, known)
        except Exception:
            log.exception("a file was not brought to the channel", phone=phone.id)
            return NOT_BROUGHT
        if isinstance(ready, SendError):
            return ready
        sent = await channel.send(phone, to, ready, reference=reference, quoted=quoted)
        refused = isinstance(sent, SendError) and sent.code in NOT_THERE_ANY_MORE
        if not refused or not known:
            return sent
        async with self.database.write() as tx:
            await media.forget_uploads(tx, phone.id, known)
        ready = await self._with_uploads(company_id, channel, phone, content, {})
        if isinstance(ready, SendError):
            return ready
        return await channel.send(phone, to, ready, reference=reference, quoted=quoted)

    async def fetch(self) -> int:
        """Fetch customers' files that are due; how many were looked at."""
        total = 0
        while True:
            now = self.clock()
            async with self.database.read() as tx:
                if not await media_wanted.is_wanted(tx, now):
                    return total
            async with self.database.write("gateway.files") as tx:
                claimed = await media_wanted.claim(tx, now, AT_ONCE)
                phones = await phone_use.by_ids(tx, {one.phone_id for one in claimed})
            by_id = {one.id: one for one in phones}
            await asyncio.gather(*(self._fetch(one, by_id.get(one.phone_id)) for one in claimed))
            total += len(claimed)
            if not claimed:  # another worker has them
                return total

    async def sweep(self) -> int:
        """Delete the bytes of erased files, and what never became whole; how many there were."""
        await asyncio.to_thread(tidy, self.folder, time.time())
        async with self.database.read() as tx:
            found = await media.erased(tx, SWEEP)
        gone = 0
        for company_id, sha256 in found:
            async with self.database.write() as tx:
                # A row of another company, or one that is just being written, keeps the bytes.
                used = await media.is_used(tx, sha256)
                if used or await asyncio.to_thread(forget, self.folder, sha256, time.time()):
                    await media.forget(tx, company_id, sha256)
                    gone += 1
        return gone

    async def _with_uploads(
        self,
        company_id: int,
        channel: Channel,
        phone: PhoneAccess,
        content: Content,
        known: Mapping[str, str],
    ) -> Content | SendError:
        """The message with the channel's ids of its files; files are brought there as needed."""
        ids = dict(known)
        files = {one.sha256: one for one in files_of(content) if one.sha256 and not one.remote_id}
        async with self.database.read() as tx:
            facts = await media.find_many(tx, company_id, files)
        for sha256, file in files.items():
            if sha256 in ids:
                continue
            fact = facts.get(sha256)
            if fact is None:
                return NOT_KEPT
            wrong = problem(file.media, fact.mime_type, fact.size)
            if wrong is not None:
                return SendError("our_request", 0, wrong)
            path = path_of(self.folder, sha256)
            name = file.filename or fact.filename
            remote_id = await channel.upload(phone, LocalFile(path, fact.mime_type, name))
            if isinstance(remote_id, SendError):
                return remote_id
            if not remote_id:  # the channel takes files along with the message
                return content
            ids[sha256] = remote_id
            async with self.database.write() as tx:
                until = self.clock() + UPLOAD_LASTS
                await media.note_upload(tx, phone.id, sha256, remote_id, until)

        def uploaded(file: Media) -> Media:
            return structs.replace(file, remote_id=ids.get(file.sha256, file.remote_id))

        return with_files(content, uploaded)

    async def _fetch(self, wanted: Wanted, phone: SendingPhone | None) -> None:
        outcome = await self._download(wanted, phone)
        now = self.clock()
        async with self.database.write() as tx:
            if isinstance(outcome, Kept):
                await media_wanted.fetched(tx, wanted, outcome, now)
                return
            why = f"The file could not be fetched: {outcome.message or outcome.meaning}"
            tries = wanted.attempts
            if outcome.meaning in HOPELESS or tries >= len(RETRIES_S):
                await media_wanted.give_up(tx, wanted, why)
            else:
                at = now + timedelta(seconds=RETRIES_S[tries])
                await media_wanted.fetch_later(tx, wanted, at, f"{why} It will be tried again.")
        log.info(
            "a file was not fetched",
            company=wanted.company_id,
            message=wanted.message_id,
            phone=wanted.phone_id,
            meaning=outcome.meaning,
            code=outcome.code,
        )

    async def _download(self, wanted: Wanted, phone: SendingPhone | None) -> Kept | SendError:
        if phone is None or phone.kind not in self.channels:
            return SendError("our_request", 0, "Its number is not connected any more.")
        try:
            with NewFile(self.folder, LARGEST) as new:
                said = await self.channels[phone.kind].download(
                    access_to(phone), wanted.remote_id, new.write, LARGEST
                )
                if isinstance(said, SendError):
                    return said
                return await asyncio.to_thread(new.keep, said)
        except TooLargeError:
            return SendError("media", 0, TOO_LARGE)
        except OSError as error:  # no room on the disk, or no right to write there
            log.exception("a file cannot be kept")
            return SendError("temporary", 0, f"It cannot be kept here ({error.strerror}).")
        except Exception as error:
            log.exception("channel fault", message=wanted.message_id, phone=wanted.phone_id)
            return SendError("temporary", 0, f"Our side failed ({type(error).__name__}).")
