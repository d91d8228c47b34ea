"""docs/flow-format.md: the flow document, its tables from the schema, the rest written here.

Rule: the example is a document that the check accepts.
"""

import inspect
from typing import Any, get_args

from engine.kinds import catalog
from flows.comparing import ALONE, LASTING, ORDERED, SAID, Operator
from flows.conditions import All, Any_, Leaf, Not
from flows.document import SPEC, Entry, ExitRule, Flow
from flows.values import NAMES
from tiptoe.docs_schema import as_json, table, table_of

FORMAT_INTRO = """\
# The flow document

A flow is one JSON object: what starts it, its steps by id, and where each exit of a step leads. The
builder draws it, revisions keep it, `tiptoe flow check` reads it. Order means nothing in it; ids of
steps and triggers (letters, digits, `-` and `_`, at most 64) stay the same for the life of the
flow, because runs, buttons and statistics name them. This page is written from the schema
(`make docs`); [kinds.md](kinds.md) has the settings of each kind.

## An example
"""

EXAMPLE: dict[str, Any] = {
    "spec": 1,
    "name": "Rate us",
    "description": "Asks for a rating by button, and remembers who is happy.",
    "language": "en",
    "triggers": {
        "word": {
            "type": "customer_message",
            "rules": [{"match": "exact", "words": ["rate", "review"]}],
        },
    },
    "start": "ask",
    "entry": {"policy": "once_at_a_time", "not_again_within": "30d"},
    "exit_rules": [{"on": "order.refunded"}],
    "steps": {
        "ask": {
            "type": "send_message",
            "name": "How was it?",
            "text": 'Hi {{ contact.first_name | default: "there" }}, how was your visit?',
            "options": [{"id": "good", "label": "Good"}, {"id": "bad", "label": "Not so good"}],
            "next": {"sent": "answer"},
        },
        "answer": {
            "type": "wait_for_reply",
            "up_to": "12h",
            "answers": [{"exit": "good", "match": "option", "words": ["good"], "step": "ask"}],
            "next": {"good": "happy", "other": "end", "no_reply": "end"},
        },
        "happy": {"type": "tag", "add": ["happy"], "next": {"done": "end"}},
        "end": {"type": "end"},
    },
}

FORMAT_CONDITIONS = """\
## Conditions

`entry.condition`, the steps `if_else`, `branch` and `wait_for_event`, triggers and audiences share
one form: a comparison, or several of them combined, at most eight deep. A dotted path names the
value to look at: `contact.tags`, `contact.fields.size`, `cart.total`, `cart.items.0.title`,
`answers.<step id>`, `window.open`. Texts are compared without regard to capitals and accents;
numbers as numbers. What is missing is empty and equals nothing.

```json
{"type": "all", "of": [
  {"type": "is", "value": "cart.total", "op": "at_least", "to": 50},
  {"type": "not", "of": {"type": "is", "value": "contact.tags", "op": "contains", "to": "vip"}}
]}
```
"""

FORMAT_TYPES = """\
A field of the company's own is compared by its kind: a number as a number, a day or moment as one
(a moment `is` any time of a day), yes or no however it is written, a text digit by digit (`007` is
not `7`). Days and times without a zone are on the contact's clock. `before` and `after` a day mean
another day, not a time on it. Times of day (`18:00`) compare with times of day, and `between` may
go over midnight. `is_within`, `is_longer_ago` and `is_within_next` count from now, for a day
without a time in whole days of the calendar; what was never is none of them.

```json
{"type": "any", "of": [
  {"type": "is", "value": "contact.last_seen", "op": "is_longer_ago", "to": "90d"},
  {"type": "is", "value": "contact.fields.birthday", "op": "is_anniversary"},
  {"type": "is", "value": "now.time", "op": "between", "to": ["22:00", "07:30"]},
  {"type": "is", "value": "cart.total", "op": "more_than", "to_value": "contact.fields.average"}
]}
```

Each decision keeps in the trace what it looked at (`saw`) and its reason in words.
"""

VERIFY = """\
import hashlib, hmac, time


def is_ours(secret: str, header: str, body: bytes) -> bool:
    parts = dict(part.split("=", 1) for part in header.split(","))
    signed = parts["t"].encode() + b"." + body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(parts["t"])) < 300
    return fresh and hmac.compare_digest(parts["v1"], wanted)
"""


def _names(root: str) -> str:
    return ", ".join(f"`{name}`" for name in sorted(NAMES[root] - {"fields"}))


FORMAT_REST = f"""\
## Texts

Texts that people get may hold [Liquid](https://shopify.github.io/liquid/): variables, filters,
`if` and `for`, but no other files. They find

| name | what |
|---|---|
| `contact` | {_names("contact")}; they wrote at `last_seen`, we at `last_written_to` |
| `contact.fields` | the company's own fields, by key |
| `company` | {_names("company")}; its times are on its own clock, `holiday` is today's name |
| `now` | this moment, ISO 8601 in UTC; on the contact's clock: {_names("now")} |
| `window.open` | whether free messages are allowed now |
| `cart`, `order`, `shop` | what the shop told, when a shop started the run |
| `message` | `text` and `id` of the message that started the run |
| `data` | what the API or another automation passed along |
| `answers` | what each earlier step found out, by step id |

A weekday is `mon` … `sun`, a time of day `HH:MM`, a day `YYYY-MM-DD`. The filter `date` tells a
moment on the contact's clock: `{{{{ contact.fields.visit | date: "%d/%m %H:%M" }}}}`. A variable
that does not exist is empty; the check tells of those that never can. Rendering has limits (loops,
size, work); a text that breaks one fails the run with its reason.

## Durations

Days, hours, minutes and seconds, in this order: `30m`, `24h`, `2d`, `1d12h`.

## Versions

`spec` is the version of this format, now {SPEC}; a document without it is read as {SPEC}. Older
ones are brought up to date each time they are read, so a stored revision is never rewritten. A
document of a newer spec than the installation knows is refused, with a message that says so.

A published flow is a revision: numbered, never changed. Runs stay on the revision they began with.

## Problems

`tiptoe flow check FILE` and the builder find the same problems, all at once. Each has

| field | what |
|---|---|
| `severity` | `error`: cannot be published. `warning` and `hint`: can, but look at it |
| `step` | id of the step or trigger; empty for the document |
| `field` | JSON pointer (RFC 6901) into the document, such as `/steps/ask/text` |
| `sentence` | what is wrong |
| `todo` | what to do about it, where that is clear |

`tiptoe flow simulate FILE` plays a document without sending anything.

## Signed webhook calls

A `webhook` step signs what it sends, unless `sign` is false, so that the receiver can tell our
calls from others': `Tiptoe-Signature: t=<unix seconds>,v1=<hex>`. `v1` is the HMAC-SHA256, with the
company's secret, of the seconds, a full stop and the body as it was received. Admins read and
renew the secret at `/api/v1/company/webhook-secret`. In Python:

```python
{VERIFY}```

A call that is tried again has another signature and the same `Idempotency-Key`.
"""


def format_page() -> str:
    """Return the text of docs/flow-format.md."""
    document = catalog().kind_schema(Flow[Any, Any])["$defs"]
    (flow,) = (schema for name, schema in document.items() if name.startswith("Flow"))
    parts = [
        FORMAT_INTRO,
        as_json(EXAMPLE),
        "## The document\n",
        table(flow["properties"], flow["required"], document),
        "### `entry`: who may enter\n",
        table_of(Entry),
        "### `exit_rules`: what ends a run\n",
        inspect.getdoc(ExitRule) or "",
        "",
        table_of(ExitRule),
        FORMAT_CONDITIONS,
    ]
    for part in (Leaf, All, Any_, Not):
        tag = part.__struct_config__.tag
        parts += [f"**`{tag}`**: {inspect.getdoc(part)}\n", table_of(part)]
    parts += ["### Operators\n", _operators(), FORMAT_TYPES, FORMAT_REST]
    return "\n".join(parts).rstrip() + "\n"


def _operators() -> str:
    rows = [f"| `{op}` | {SAID[op]} | {_compared_with(op)} |" for op in get_args(Operator)]
    return "\n".join(["| `op` | reads | `to` |", "|---|---|---|", *rows]) + "\n"


def _compared_with(op: Operator) -> str:
    if op in ALONE:
        return "nothing"
    if op in LASTING:
        return "a duration"
    if op in ("before", "after"):
        return "a day, a moment or a time of day"
    if op in ORDERED:
        return f"{'from and to: two of' if op == 'between' else ''} a number, day or time".strip()
    if op in ("is_one_of", "is_none_of"):
        return "a list"
    return "a regular expression (RE2)" if op == "matches" else "a text, a number, yes or no"
