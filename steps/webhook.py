"""The kind `webhook`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from flows.conditions import look_up
from flows.effects import CallWebhook
from flows.events import Event, HttpAnswered
from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Step, Wait
from steps._sending import Link, one_line

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, Meta(max_length=2000)]
SavedName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Path = Annotated[str, Meta(min_length=1, max_length=200)]


class Webhook(Step, frozen=True, kw_only=True, tag="webhook"):
    """Calls an address of another system and goes on with its answer, which later steps find
    under `answers`.
    """

    label: ClassVar[str] = "Webhook"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "webhook"
    example: ClassVar[Mapping[str, Any]] = {
        "method": "POST",
        "url": "https://crm.example.com/contacts",
        "headers": {"Content-Type": "application/json"},
        "body": '{"phone": {{ contact.phone | json }}}',
        "save": {"points": "data.points"},
    }

    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE"], Meta(description="HTTP method")
    ] = "POST"
    url: Annotated[Link, Meta(description="Its address; may hold variables")] = ""
    headers: Annotated[
        dict[HeaderName, HeaderValue],
        Meta(
            max_length=20,
            description="Headers; values may hold variables",
            extra_json_schema={"x-input": "headers"},
        ),
    ] = {}
    body: Annotated[
        str,
        Meta(
            max_length=20_000,
            description="What is sent; write variables as {{ contact.name | json }}",
            extra_json_schema={"x-input": "json"},
        ),
    ] = ""
    timeout_s: Annotated[int, Meta(ge=1, le=30, description="Seconds to wait for an answer")] = 10
    tries: Annotated[int, Meta(ge=1, le=5, description="How often it is tried")] = 3
    save: Annotated[
        dict[SavedName, Path],
        Meta(max_length=20, description="Name → where it is in the answer, such as data.points"),
    ] = {}

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("ok", "OK", required=True), Exit("failed", "Failed"))

    def enter(self, ctx: Context) -> Outcome:
        url = ctx.render(self.url).strip()
        if not _ADDRESS.fullmatch(url):
            return Leave("failed", f"the address came out as “{url}”")
        call = CallWebhook(
            ctx.step,
            ctx.seq,
            self.method,
            url,
            {name: one_line(ctx.render(value)) for name, value in self.headers.items()},
            ctx.render(self.body),
            self.timeout_s,
            self.tries,
        )
        return Wait(frozenset({"http"}), why=f"calls {self.method} {url}", effects=(call,))

    def resume(self, ctx: Context, event: Event) -> Outcome:
        if not isinstance(event, HttpAnswered):
            return Fail(f"an answer is waited for, not {type(event).__name__}")
        if not event.ok:
            return Leave("failed", event.reason or f"answered {event.status}")
        return Leave("ok", f"answered {event.status}", result=self._result(event.body))

    def summary(self) -> str:
        return f"{self.method} {self.url.partition('://')[2]}" if self.url else "No address yet"

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "/url", self.url
        yield "/body", self.body
        for name, value in self.headers.items():
            yield f"/headers/{name}", value

    def problems(self) -> Iterator[tuple[str, str]]:
        if not _ADDRESS.match(self.url):
            yield "/url", "Give an address that begins with https:// or http://."
        if self.body and self.method == "GET":
            yield "/body", "A GET has no body; use another method."

    def _result(self, body: Any) -> Any:
        if not self.save:
            return body
        return {name: look_up(body, path) for name, path in self.save.items()}
