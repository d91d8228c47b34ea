"""Sends e-mail through the operator's mail server.

Rule: it never raises for what the world does; whether it is worth another try is said like that of
a webhook call.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from engine.webhooks import Attempt

TIMEOUT_S = 20
PORTS = {"smtp": 25, "smtps": 465}
FOR_EVER = range(500, 600)  # SMTP replies that will be the same next time (RFC 5321)


class Letter(Struct, frozen=True):
    """One e-mail; `key` makes its Message-ID, so that two of it are one."""

    to: str
    subject: str
    text: str
    key: str


class Mailer:
    """`url` as `smtp://user:password@host:587` (encrypted as soon as the server offers it) or
    `smtps://…` (encrypted from the start); `sender` is an address.
    """

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port or PORTS[parts.scheme]
        self.encrypted = parts.scheme == "smtps"
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = sender

    async def send(self, letter: Letter) -> Attempt:
        """Hand one over to the server."""
        try:
            message = self._message(letter)
        except ValueError as error:  # an address or a subject that cannot be one
            return Attempt(reason=f"it cannot be written: {error}", refused=True)
        try:
            await asyncio.to_thread(self._hand_over, message)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = error.recipients[letter.to]
            reason = f"{letter.to} was refused: {code} {said.decode(errors='replace')}"
            return Attempt(reason=reason, refused=code in FOR_EVER)
        except smtplib.SMTPResponseException as error:
            return Attempt(reason=f"the mail server said {error.smtp_code}", again=True)
        except (OSError, smtplib.SMTPException) as error:
            words = str(error) or type(error).__name__
            return Attempt(reason=f"the mail server cannot be used: {words}", again=True)
        return Attempt(ok=True)

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = Address("Tiptoe", addr_spec=self.sender)
        message["To"] = Address(addr_spec=letter.to)
        message["Subject"] = letter.subject
        message["Message-ID"] = f"<tiptoe.{letter.key}@{self.sender.rpartition('@')[2]}>"
        message.set_content(letter.text)
        return message

    def _hand_over(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.encrypted:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        with server:
            server.ehlo()
            if not self.encrypted and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)
