"""What went wrong with a message: what happened, whose matter it is, what to do. Pure words.

Rule: the one table of it; a code is explained where it says more than its class does, and what
nobody knows yet still gets an honest sentence. Source: Meta's error reference, and what its senders
do in practice.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Whose = Literal["ours", "the contact’s", "the number’s", "Meta’s choice", "nobody’s"]


class Explained(Struct, frozen=True):
    """One fault in words. `said` is what WhatsApp itself said, `code` its number; both may be
    empty.
    """

    happened: str
    whose: Whose
    todo: str
    said: str = ""
    code: str = ""


OURS: Whose = "ours"
CONTACT: Whose = "the contact’s"
NUMBER: Whose = "the number’s"
META: Whose = "Meta’s choice"
NOBODY: Whose = "nobody’s"

UNKNOWN = Explained(
    "WhatsApp gave a reason that is not known here.",
    NOBODY,
    "Read what WhatsApp said; if it comes again, look the code up in Meta’s error reference.",
)
CLASSES: dict[str, Explained] = {
    "throttle": Explained(
        "The number sent faster than WhatsApp takes messages.",
        NUMBER,
        "Nothing: it is tried again by itself, more slowly.",
    ),
    "pair": Explained(
        "This contact got too many messages within a few seconds.",
        OURS,
        "Nothing: it is tried again by itself, with longer pauses.",
    ),
    "temporary": Explained(
        "WhatsApp had trouble of its own.",
        META,
        "Nothing: it was tried several times. Send it again if it still matters.",
    ),
    "media": Explained(
        "WhatsApp could not fetch or use the file.",
        OURS,
        "Open the link of the file without signing in, and check its type and size.",
    ),
    "number_in_danger": Explained(
        "WhatsApp holds this number back, because too many people blocked or reported it.",
        NUMBER,
        "Let its campaigns rest, write only to people who expect it, and look at its quality.",
    ),
    "number_stopped": Explained(
        "WhatsApp does not let this number or its account send.",
        NUMBER,
        "Open the phone’s page: the token, the payment or the account needs a person.",
    ),
    "window_closed": Explained(
        "The contact had not written within 24 hours, so only a template may be sent.",
        OURS,
        "Use a template here, or write before the 24 hours are over.",
    ),
    "contact": Explained(
        "The message cannot reach this person: not on WhatsApp, a very old app, or we are blocked.",
        CONTACT,
        "Check the number with the customer; do not try again and again.",
    ),
    "do_not_send": Explained(
        "The person switched our marketing off inside WhatsApp.",
        CONTACT,
        "Nothing: they are opted out of marketing here as well.",
    ),
    "metas_choice": Explained(
        "Meta chose not to deliver this marketing message to this person now.",
        META,
        "Wait a day or more. It says nothing against the number.",
    ),
    "our_request": Explained(
        "What was sent does not have the form WhatsApp wants.",
        OURS,
        "Correct the step; what WhatsApp said names the part.",
    ),
    "template": Explained(
        "The template cannot be sent like this.",
        OURS,
        "Look at the template’s status and at the values its variables get.",
    ),
    "uncertain": Explained(
        "No answer came, so nobody knows yet whether it left.",
        NOBODY,
        "Nothing: a receipt settles it, else the company’s rule after a time.",
    ),
    "unreachable": Explained(
        "WhatsApp could not be reached.",
        NOBODY,
        "Nothing: it is tried again until the connection is back.",
    ),
    "unknown": UNKNOWN,
    "deleted": Explained("The contact was deleted.", CONTACT, "Nothing."),
    "blocked": Explained(
        "The contact is blocked here.", OURS, "Unblock the contact if that was a mistake."
    ),
    "opted_out": Explained(
        "The contact asked for no more messages.",
        CONTACT,
        "Nothing. They can come back with a start word.",
    ),
    "no_consent": Explained(
        "The contact never agreed to marketing.",
        CONTACT,
        "Ask for consent first, by a message they expect.",
    ),
    "handed_over": Explained(
        "A person has taken over this chat, so automations keep silent.",
        OURS,
        "Give the chat back on the contact’s page when it is done.",
    ),
    "expired": Explained(
        "It was not worth sending any more when its turn came.",
        OURS,
        "Give the step a later “drop if later than”, or widen the sending hours.",
    ),
    "over_budget": Explained(
        "The contact had enough marketing already this day or week.",
        OURS,
        "Nothing, or raise the budget in the company’s settings.",
    ),
    "cancelled": Explained("It was recalled before it was sent.", OURS, "Nothing."),
}

TOKEN = "Make a new token at Meta, and save it on the phone’s page."  # noqa: S105  words
FIX_VALUES = "Compare the values of the step with the variables of the template."
CODES: dict[str, Explained] = {
    "0": Explained("WhatsApp did not accept the phone’s token.", NUMBER, TOKEN),
    "190": Explained("The phone’s token has ended or was withdrawn.", NUMBER, TOKEN),
    "10": Explained(
        "The token may not send for this number.",
        NUMBER,
        "Give its system user the permission whatsapp_business_messaging at Meta.",
    ),
    "368": Explained(
        "Meta blocked the account for breaking its rules.",
        NUMBER,
        "Read the notice in Meta’s business manager and ask for a review there.",
    ),
    "463": Explained(
        "This linked phone may not write to new people for hours or days.",
        NUMBER,
        "Let it rest: chats that are open go on, and nothing else helps.",
    ),
    "130429": CLASSES["throttle"],
    "130472": Explained(
        "Meta keeps this person out of marketing as part of an experiment.",
        META,
        "Nothing: no sender reaches them with marketing just now.",
    ),
    "130497": Explained(
        "The account may not write to people in this country.",
        NUMBER,
        "Leave this country out of the audience.",
    ),
    "131005": Explained("The account lacks a permission at Meta.", NUMBER, TOKEN),
    "131021": Explained(
        "The recipient is the sending number itself.", OURS, "Take this number off the list."
    ),
    "131026": CLASSES["contact"],
    "131030": Explained(
        "The number is a test number, and this person is not on its list.",
        OURS,
        "Add the person to the test number’s list at Meta, or use a real number.",
    ),
    "131031": Explained(
        "Meta locked the account.",
        NUMBER,
        "Read the notice in Meta’s business manager and ask for a review there.",
    ),
    "131037": Explained(
        "The number’s display name is not approved.",
        NUMBER,
        "Set a display name for it in Meta’s business manager.",
    ),
    "131042": Explained(
        "Meta could not charge the account.",
        NUMBER,
        "Put the payment right in Meta’s business manager.",
    ),
    "131047": CLASSES["window_closed"],
    "131048": CLASSES["number_in_danger"],
    "131049": Explained(
        "Meta held it back, so that this person does not get too much marketing.",
        META,
        "Wait a day or more. Sending it again at once makes it worse.",
    ),
    "131050": CLASSES["do_not_send"],
    "131051": Explained(
        "WhatsApp does not know this kind of message.", OURS, "Use another kind in this step."
    ),
    "131052": Explained(
        "The file a customer sent could not be fetched.", META, "Ask them to send it again."
    ),
    "131053": Explained(
        "WhatsApp could not fetch the file from its link, or it is of a type it does not take.",
        OURS,
        "Open the link without signing in, and check the file’s type and size.",
    ),
    "131056": CLASSES["pair"],
    "131062": Explained(
        "This kind of template needs a phone number, and the person shows only a user name.",
        CONTACT,
        "Use another template for people without a number.",
    ),
    "132000": Explained(
        "The template has another number of variables than values were given.", OURS, FIX_VALUES
    ),
    "132001": Explained(
        "The template does not exist in this language.",
        OURS,
        "Choose a language the template has, or have it approved in this one.",
    ),
    "132005": Explained(
        "The text became too long with its values.", OURS, "Shorten the values or the template."
    ),
    "132007": Explained(
        "The text breaks WhatsApp’s rules on content.", OURS, "Change the template’s text."
    ),
    "132012": Explained("A value has another form than the template wants.", OURS, FIX_VALUES),
    "132015": Explained(
        "Meta paused the template, because people did not like it.",
        META,
        "Use another one until the pause is over, and send it to fewer people.",
    ),
    "132016": Explained(
        "Meta switched the template off for good.", META, "Make a new template with a better text."
    ),
    "133010": Explained(
        "The number is not registered for the Cloud API.",
        NUMBER,
        "Register it in Meta’s business manager, then reconnect it here.",
    ),
}


def explain(error_class: str | None, code: str | None, said: str | None) -> Explained | None:
    """What is known about a fault; None when there was none."""
    if not error_class and not code and not said:
        return None
    found = CODES.get(code or "") or CLASSES.get(error_class or "") or UNKNOWN
    return Explained(found.happened, found.whose, found.todo, said or "", code or "")
