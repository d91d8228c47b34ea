"""What the Cloud API's answers mean, in the words of `gateway.channel`. Pure.

Rule: an answer that does not say clearly whether the message went out is `uncertain`, never a
reason to send again. Source of the codes: Meta's error reference.
"""

from __future__ import annotations

from typing import Any

from gateway.channel import Accepted, Meaning, SendError
from gateway.channels.cloud_api.shapes import decode, obj, objects, text, whole

HTTP_OK = range(200, 300)
HTTP_SERVER_ERROR = 500
HELD = "held_for_quality_assessment"

CODES: dict[Meaning, tuple[int, ...]] = {
    "throttle": (4, 80007, 130429, 133016),
    "pair": (131056,),
    "temporary": (1, 2, 131000, 131016, 131057, 133004),
    "media": (131052, 131053),
    "number_in_danger": (131048, 131064),
    "number_stopped": (
        *(0, 3, 10, 190, *range(200, 300), 368),
        *(130497, 131005, 131031, 131042, 131044, 131045, *range(133005, 133016)),
    ),
    "window_closed": (131047,),
    "contact": (131026, 131021, 131030, 131062, 137000),
    "do_not_send": (131050,),
    "metas_choice": (131049, 130472),
    "our_request": (100, 131008, 131009, 131051, 131037),
    "template": (
        *(132000, 132001, 132005, 132007, 132008, 132012),
        *(132015, 132016, 132068, 132069),
    ),
}
MEANINGS: dict[int, Meaning] = {code: word for word, codes in CODES.items() for code in codes}
NO_ENVELOPE: dict[int, Meaning] = {
    401: "number_stopped",
    403: "number_stopped",
    408: "uncertain",
    429: "throttle",
    503: "temporary",  # "not now" is said before anything is done
}


def classify(status: int, body: bytes) -> Accepted | SendError:
    """What `POST /messages` answered: HTTP status and raw body."""
    answer = obj(decode(body))
    if status in HTTP_OK:
        return _accepted(answer)
    error = answer.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return send_error(error, server_error=status >= HTTP_SERVER_ERROR)
    fallback: Meaning = "uncertain" if status >= HTTP_SERVER_ERROR else "unknown"
    return SendError(
        NO_ENVELOPE.get(status, fallback), 0, f"WhatsApp answered HTTP {status} without a reason."
    )


def refusal(status: int, body: bytes) -> SendError:
    """Why any other call than a send was refused; nothing can be in doubt about those."""
    error = obj(decode(body)).get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return send_error(error, server_error=status >= HTTP_SERVER_ERROR)
    meaning: Meaning = "temporary" if status >= HTTP_SERVER_ERROR else "unknown"
    words = f"WhatsApp answered HTTP {status} without a reason."
    return SendError(NO_ENVELOPE.get(status, meaning), 0, words)


def send_error(error: dict[str, Any], *, server_error: bool = False) -> SendError:
    """One error object, from an answer or a failed status."""
    code = whole(error.get("code"))
    details = text(obj(error.get("error_data")).get("details"))
    told = (details, *(text(error.get(name)) for name in ("error_user_msg", "message", "title")))
    message = next(filter(None, told), "")
    meaning = MEANINGS.get(code) if "code" in error else None
    if meaning is None:
        transient = server_error or error.get("is_transient") is True
        meaning = "temporary" if transient else "unknown"
    return SendError(meaning, code, message)


def _accepted(answer: dict[str, Any]) -> Accepted | SendError:
    for message in objects(answer.get("messages")):
        if channel_id := text(message.get("id")):
            wa_ids = [text(one.get("wa_id")) for one in objects(answer.get("contacts"))]
            return Accepted(
                channel_id, next(iter(wa_ids), ""), held=message.get("message_status") == HELD
            )
    return SendError("uncertain", 0, "WhatsApp's answer holds no message id.")
