"""Asks WhatsApp about a number of the Cloud API, before it is connected.

Rule: only the address the operator has set is asked; an answer is a value, whatever the world does.
"""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
from msgspec import Struct

from gateway.channels.cloud_api.answers import send_error
from web.messages.errors import explain

FIELDS = "display_phone_number,verified_name,quality_rating"
ANSWER_WITHIN_S = 8.0  # somebody sits before the form


class Known(Struct, frozen=True):
    """What WhatsApp says a number is: `number` as it shows it, `name` its verified name."""

    number: str
    name: str
    quality: str


class Refused(Struct, frozen=True):
    """WhatsApp answered no; `words` say why and what to do."""

    words: str


class Silent(Struct, frozen=True):
    """Nobody answered, so nothing is known."""

    words: str


async def ask(
    base_url: str, version: str, phone_number_id: str, token: str
) -> Known | Refused | Silent:
    """Whether this token may speak for this number."""
    address = f"{base_url.rstrip('/')}/{version}/{phone_number_id}"
    try:
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S) as client:
            answer = await client.get(
                address,
                params={"fields": FIELDS},
                headers={"Authorization": f"Bearer {token}"},
            )
        told = msgspec.json.decode(answer.content)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Silent(f"WhatsApp could not be asked ({type(error).__name__}).")
    if not isinstance(told, dict):
        return Silent("WhatsApp’s answer cannot be read.")
    if answer.is_success and told.get("display_phone_number"):
        return Known(
            str(told["display_phone_number"]),
            str(told.get("verified_name") or ""),
            str(told.get("quality_rating") or "UNKNOWN"),
        )
    return Refused(_in_words(told.get("error")))


def _in_words(error: Any) -> str:
    if not isinstance(error, dict):
        return "WhatsApp does not know this number. Check the phone number id."
    found = send_error(error)
    if found.code == 100:  # noqa: PLR2004  Meta's word for an object that is not there
        return "WhatsApp does not know this phone number id, or the token may not see it."
    known = explain(found.meaning, str(found.code), found.message)
    words = [known.happened, known.todo] if known is not None else []
    said = f"WhatsApp said: {found.message}" if found.message else ""
    return " ".join([*words, said]).strip()
