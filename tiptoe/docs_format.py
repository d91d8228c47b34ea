"""docs/flow-format.md: the flow document, its tables from the schema, the rest written here.

Rule: the example is a document that the check accepts.
"""

import inspect
from typing import Any

from engine.kinds import catalog
from flows.conditions import All, Any_, Leaf, Not
from flows.contact import Contact
from flows.document import SPEC, Entry, ExitRule, Flow
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

`entry.condition` and the step `if_else` share one form: a comparison, or several of them combined.
A dotted path names the value to look at: `contact.tags`, `contact.fields.size`, `cart.total`,
`cart.items.0.title`, `answers.<step id>`, `window.open`. Texts are compared without regard to
capitals and accents; numbers as numbers. What is missing is empty and equals nothing.

```json
{"type": "all", "of": [
  {"type": "is", "value": "cart.total", "op": "at_least", "to": 50},
  {"type": "not", "of": {"type": "is", "value": "contact.tags", "op": "contains", "to": "vip"}}
]}
```
"""

FORMAT_REST = f"""\
## Texts

Texts that people get may hold [Liquid](https://shopify.github.io/liquid/): variables, filters,
`if` and `for`, but no other files. They find

| name | what |
|---|---|
| `contact` | {", ".join(f"`{name}`" for name in Contact().words())} |
| `company` | `name`, `language` |
| `cart`, `order`, `shop` | what the shop told, when a shop started the run |
| `message` | `text` and `id` of the message that started the run |
| `data` | what the API or another automation passed along |
| `answers` | what each earlier step found out, by step id |
| `window.open` | whether free messages are allowed now |
| `now` | this moment, ISO 8601 in UTC |

A variable that does not exist is empty. Rendering has limits (loops, size); a text that breaks one
fails the run with its reason.

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
    parts.append(FORMAT_REST)
    return "\n".join(parts).rstrip() + "\n"
