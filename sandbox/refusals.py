"""The ways in which the Cloud API says no, in its own numbers and words. Values, never raised.

Source of codes, titles and forms: Meta's error reference for the Cloud API.
"""

from dataclasses import dataclass
from typing import Any

HELP_PAGE = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"

TITLES = {
    0: "AuthException",
    1: "API Unknown",
    2: "API Service",
    3: "API Method",
    4: "API Too Many Calls",
    10: "Permission Denied",
    100: "Invalid parameter",
    190: "Access token has expired",
    368: "Temporarily blocked for policies violations",
    80007: "Rate limit issues",
    130429: "Rate limit hit",
    130472: "User's number is part of an experiment",
    130497: "Business account is restricted from messaging users in this country",
    131000: "Something went wrong",
    131005: "Access denied",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131016: "Service unavailable",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131030: "Recipient phone number not in allowed list",
    131031: "Business Account locked",
    131037: "Display name approval needed",
    131042: "Business eligibility payment issue",
    131044: "Incorrect certificate",
    131045: "Incorrect certificate",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "Meta chose not to deliver",
    131050: "User has stopped marketing messages",
    131051: "Unsupported message type",
    131052: "Media download error",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    131057: "Account in maintenance mode",
    131062: "Recipient cannot be reached by user id",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132005: "Translated text too long",
    132007: "Template format character policy violated",
    132008: "Parameter value is not valid",
    132012: "Parameter format does not match format in the created template",
    132015: "Template is Paused",
    132016: "Template is Disabled",
    132068: "Flow is in blocked state",
    132069: "Flow is in throttled state",
    133004: "Server temporarily unavailable",
    133010: "Phone number not registered",
    133016: "Account register deregister rate limit exceeded",
}
OTHER_TITLE = "Something else went wrong"

HTTP_STATUS = {
    **dict.fromkeys((0, 190), 401),
    **dict.fromkeys((10, *range(200, 300), 368, 130497, 131005, 131031), 403),
    132001: 404,
    **dict.fromkeys((3, 131000, 131016, 131045, 131057), 500),
    **dict.fromkeys((2, 133004), 503),
}
BAD_REQUEST = 400

EXPIRED = 190
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
            "message": self.message or f"(#{self.code}) {title_of(self.code)}",
            "type": self.kind,
            "code": self.code,
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if not self.message:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        error["fbtrace_id"] = trace
        return {"error": error}


def title_of(code: int) -> str:
    """Return what Meta calls an error."""
    return TITLES.get(code, OTHER_TITLE)


def known_refusal(code: int, details: str) -> Refusal:
    """Return the refusal with a code in the form that Meta gives to it."""
    return wrong_token(details) if code == EXPIRED else Refusal(code, details)


def wrong_token(
    details: str = "The Bearer token is missing or is not the sandbox's access token.",
) -> Refusal:
    """Return the refusal of a call whose Bearer token is not the sandbox's."""
    return Refusal(
        EXPIRED,
        details,
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
        "title": title_of(code),
        "message": title_of(code),
        "error_data": {"details": details},
        "href": HELP_PAGE,
    }
