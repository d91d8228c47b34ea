"""How Meta judges templates: how long it takes, what it rejects, moves and holds back. Pure."""

from typing import NamedTuple

import msgspec

from sandbox.chance import draw


class Reason(NamedTuple):
    """What a rejection says, and what it recommends."""

    words: str
    recommendation: str


REASONS = {
    "ABUSIVE_CONTENT": Reason(
        "Your template has content that threatens or abuses people.",
        "Write about your product or service in a friendly way.",
    ),
    "CATEGORY_NOT_AVAILABLE": Reason(
        "This category is not available to your account.",
        "Choose another category.",
    ),
    "INCORRECT_CATEGORY": Reason(
        "The content does not match the category that you chose.",
        "Choose MARKETING for offers, UTILITY for what the customer asked for.",
    ),
    "INVALID_FORMAT": Reason(
        "Your template has parameters placed next to each other or at an end.",
        "Separate parameters with words that explain each of them.",
    ),
    "PROMOTIONAL": Reason(
        "Your template promotes something in a category that does not allow it.",
        "Choose MARKETING, or leave the promotion out.",
    ),
    "SCAM": Reason(
        "Your template looks like an attempt to mislead people.",
        "Say who you are, and ask for no confidential data.",
    ),
    "TAG_CONTENT_MISMATCH": Reason(
        "The language or category that you chose does not match the content.",
        "Choose the language in which the template is written.",
    ),
}


class Review(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How templates are judged; seconds are of the sandbox's clock, shares 0 to 1.

    `after_s`: time in PENDING. `rejected`: reasons by template name; `reject_share`: of the others
    so many are rejected for a random reason. `marketing`: names of UTILITY templates that become
    MARKETING, with `marketing_share` of the others; a notice comes with the approval, the change
    `notice_s` later. Pacing: after its first `held_after` sends a new MARKETING template is held
    (held_for_quality_assessment) until `held_s` after the first of them, then what waits is sent,
    or fails with 132015 when customers complained. `auto` off: the control API decides.
    """

    auto: bool | None = None
    after_s: float = 0
    rejected: dict[str, str] = {}
    reject_share: float = 0
    marketing: tuple[str, ...] = ()
    marketing_share: float = 0
    notice_s: float = 24 * 3600
    held_after: int | None = None
    held_s: float = 1800

    def __post_init__(self) -> None:
        for reason in self.rejected.values():
            if reason not in REASONS:
                raise ValueError(f"{reason} is none of {', '.join(REASONS)}")
        if not all(0 <= one <= 1 for one in (self.reject_share, self.marketing_share)):
            raise ValueError("reject_share and marketing_share are shares from 0 to 1")
        if min(self.after_s, self.notice_s, self.held_s, self.held_after or 0) < 0:
            raise ValueError("times and counts cannot be negative")

    @property
    def paces(self) -> bool:
        """Whether new marketing templates are held back."""
        return self.held_after is not None

    def reason_against(self, seed: int, name: str, language: str, edits: int) -> str | None:
        """Return the reason for which a template is rejected; None for an approval."""
        if name in self.rejected:
            return self.rejected[name]
        if draw(seed, "reject", name, language, edits) >= self.reject_share:
            return None
        place = draw(seed, "reason", name, language, edits) * len(REASONS)
        return list(REASONS)[int(place)]

    def moves(self, seed: int, name: str, language: str) -> bool:
        """Say whether an approved UTILITY template is moved to MARKETING."""
        return name in self.marketing or (
            draw(seed, "marketing", name, language) < self.marketing_share
        )
