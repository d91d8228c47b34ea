"""The kind `webhook`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from flows.conditions import look_up
from flows.effects import CallWebhook, Effect
from flows.effects import SetField as Change
from flows.events import Event, HttpAnswered
from flows.fields import Unfit
from flows.secrets import open_address
from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Reference, Step, Wait
from steps._fields import field_problem, field_reference, fitted
from steps._sending import Link, one_line

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
# Written by whoever carries the call out; another value would break the request or lie.
_OWN_HEADERS = frozenset(
    (
        *("host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"),
        *("keep-alive", "proxy-connection", "expect", "tiptoe-signature"),
    )
)
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, Meta(max_length=2000)]
SavedName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Path = Annotated[str, Meta(min_length=1, max_length=200)]


class Webhook(Step, frozen=True, kw_only=True, tag="webhook"):
    """Calls an address of another system and goes on with its answer, which later steps find
    under `answers`. A call that is not answered, or with a fault of that system, is tried again,
    later each time.
    """

    label: ClassVar[str] = "Webhook"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "webhook"
    example: ClassVar[Mapping[str, Any]] = {
        "method": "POST",
        "url": "https://crm.example.com/contacts",
        "headers": {"Authorization": "Bearer 12345"},
        "body": '{"phone": {{ contact.phone | json }}}',
        "save": {"points": "data.points"},
        "save_fields": {"points": "data.points"},
    }

    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        Meta(
            title="Method",
            description="HTTP method",
            extra_json_schema={
                "x-words": {
                    "GET": "GET",
                    "POST": "POST",
                    "PUT": "PUT",
                    "PATCH": "PATCH",
                    "DELETE": "DELETE",
                }
            },
        ),
    ] = "POST"
    url: Annotated[
        Link,
        Meta(
            title="Address",
            description="Its address; may hold variables",
            extra_json_schema={"x-try": True},
        ),
    ] = ""
    headers: Annotated[
        dict[HeaderName, HeaderValue],
        Meta(
            max_length=20,
            title="Headers",
            description="Headers; values may hold variables",
            extra_json_schema={"x-input": "headers"},
        ),
    ] = {}
    body: Annotated[
        str,
        Meta(
            max_length=20_000,
            title="Body",
            description="What is sent; write variables as {{ contact.name | json }}",
            extra_json_schema={
                "x-input": "json",
                "x-when": {"method": ["POST", "PUT", "PATCH", "DELETE"]},
            },
        ),
    ] = ""
    sign: Annotated[
        bool,
        Meta(
            title="Sign the call",
            description="Prove with the company's secret that the call is ours",
            extra_json_schema={"x-more": True},
        ),
    ] = True
    timeout_s: Annotated[
        int,
        Meta(
            ge=1,
            le=30,
            title="Seconds to wait",
            description="Seconds to wait for an answer",
            extra_json_schema={"x-more": True},
        ),
    ] = 10
    tries: Annotated[
        int,
        Meta(
            ge=1,
            le=5,
            title="Tries",
            description="How often it is tried",
            extra_json_schema={"x-more": True},
        ),
    ] = 3
    save: Annotated[
        dict[SavedName, Path],
        Meta(
            max_length=20,
            title="Keep of the answer",
            description="Name → where it is in the answer, such as data.points; "
            "nothing named: all of the answer is kept",
            extra_json_schema={"x-key": "Name", "x-value": "Where in the answer"},
        ),
    ] = {}
    save_fields: Annotated[
        dict[SavedName, Path],
        Meta(
            max_length=20,
            title="Save to fields",
            description="Field of the contact → where it is in the answer",
            extra_json_schema={
                "x-key": "Field",
                "x-key-input": "field",
                "x-value": "Where in the answer",
            },
        ),
    ] = {}

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("ok", "OK", required=True), Exit("failed", "Failed"))

    def enter(self, ctx: Context) -> Outcome:
        url = ctx.render(self.url).strip()
        if not _ADDRESS.fullmatch(url):
            return Leave("failed", f"the address came out as “{url}”")
        headers = {
            name: one_line(ctx.render(value))
            for name, value in self.headers.items()
            if name.lower() not in _OWN_HEADERS
        }
        call = CallWebhook(
            ctx.step,
            ctx.seq,
            self.method,
            url,
            headers,
            ctx.render(self.body),
            self.timeout_s,
            self.tries,
            self.sign,
        )
        return Wait(
            frozenset({"http"}), why=f"calls {self.method} {open_address(url)}", effects=(call,)
        )

    def resume(self, ctx: Context, event: Event) -> Outcome:
        if not isinstance(event, HttpAnswered):
            return Fail(f"an answer is waited for, not {type(event).__name__}")
        if not event.ok:
            return Leave("failed", event.reason or f"answered {event.status}")
        effects, kept_back = self._fields(ctx, event.body)
        why = ", ".join((f"answered {event.status}", *kept_back))
        return Leave("ok", why, effects, self._result(event.body))

    def summary(self) -> str:
        if not self.url:
            return "No address yet"
        address = open_address(self.url)  # it is read by many who may not know the secrets in it
        return f"{self.method} {address.partition('://')[2] or address}"

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/url", self.url
        yield "/body", self.body
        for name, value in self.headers.items():
            yield f"/headers/{name}", value

    def problems(self) -> Iterator[tuple[str, str]]:
        if not _ADDRESS.match(self.url) and not self.url.lstrip().startswith("{{"):
            yield "/url", "Give an address that begins with https:// or http://."
        if self.body and self.method == "GET":
            yield "/body", "A GET has no body; use another method."
        for name, value in self.headers.items():
            if not value:
                yield f"/headers/{name}", f"Give the header “{name}” a value, or take it away."
            if name.lower() in _OWN_HEADERS:
                yield f"/headers/{name}", f"“{name}” is written by Tiptoe itself."
        for name in self.save_fields:
            wrong = field_problem(name)
            if wrong:
                yield f"/save_fields/{name}", wrong

    def references(self) -> Iterator[Reference]:
        for name in self.save_fields:
            yield from field_reference(name, f"/save_fields/{name}")

    def gives(self) -> Iterator[tuple[str, str]]:
        if not self.save:
            yield "", "the answer"
        for name in self.save:
            yield name, f"“{name}” of the answer"

    def _result(self, body: Any) -> Any:
        if not self.save:
            return body
        return {name: look_up(body, path) for name, path in self.save.items()}

    def _fields(self, ctx: Context, body: Any) -> tuple[tuple[Effect, ...], list[str]]:
        """The fields the answer fills, and what it could not fill, in words. What the answer
        does not hold leaves a field as it is.
        """
        effects: list[Effect] = []
        kept_back = []
        for name, path in self.save_fields.items():
            found = look_up(body, path)
            if found is None:
                continue
            value = fitted(ctx, name, found)
            if isinstance(value, Unfit):
                kept_back.append(f"{name} stays as it is: {value.why}")
            else:
                effects.append(Change(name, value))
        return tuple(effects), kept_back
