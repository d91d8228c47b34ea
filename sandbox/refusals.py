"""The ways in which the Cloud API says no, in its own numbers and words. Values, never raised.

Source of codes, titles and forms: Meta's error reference for the Cloud API.
"""

from dataclasses import dataclass
from typing import Any

HELP_PAGE = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"

TITLES = {
    100: "Invalid parameter",
    130429: "Rate limit hit",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131051: "Unsupported message type",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132005: "Translated text too long",
    132012: "Parameter format does not match format in the created template",
    132015: "Template is Paused",
    132016: "Template is Disabled",
}

HTTP_STATUS = {190: 401, 132001: 404}
BAD_REQUEST = 400

SESSION_EXPIRED = 463
NO_SUCH_OBJECT = 33


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused call: Meta's `code` and the `details` that say what to change."""

    code: int
    details: str
    message: str = ""
    subcode: int | None = None
    kind: str = "OAuthException"

    @property
    def http_status(self) -> int:
        """The HTTP status that Meta documents for the code."""
        return HTTP_STATUS.get(self.code, BAD_REQUEST)

    def body(self, trace: str) -> dict[str, Any]:
        """Return the answer's JSON; errors with a `message` of their own carry no details."""
        error: dict[str, Any] = {
            "message": self.message or f"(#{self.code}) {TITLES[self.code]}",
            "type": self.kind,
            "code": self.code,
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if not self.message:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        error["fbtrace_id"] = trace
        return {"error": error}


def wrong_token() -> Refusal:
    """Return the refusal of a call whose Bearer token is not the sandbox's."""
    return Refusal(
        190,
        "The Bearer token is missing or is not the sandbox's access token.",
        message="Error validating access token: Session has expired",
        subcode=SESSION_EXPIRED,
    )


def no_such_object(method: str, object_id: str) -> Refusal:
    """Return the refusal of a call on an id that is no phone, account, template or media."""
    return Refusal(
        100,
        f"Nothing in the sandbox has the id {object_id}.",
        message=(
            f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, "
            "cannot be loaded due to missing permissions, or does not support this operation. "
            "Please read the Graph API documentation at "
            "https://developers.facebook.com/docs/graph-api"
        ),
        subcode=NO_SUCH_OBJECT,
        kind="GraphMethodException",
    )


def unknown_path(path: str) -> Refusal:
    """Return the refusal of an address whose first part is no API version."""
    return Refusal(
        2500,
        "Addresses start with the API version, such as v23.0.",
        message=f"Unknown path components: {path}",
    )


def failure(code: int, details: str) -> dict[str, Any]:
    """Return the `errors[]` item of a failed status."""
    return {
        "code": code,
        "title": TITLES[code],
        "message": TITLES[code],
        "error_data": {"details": details},
        "href": HELP_PAGE,
    }
