"""What WhatsApp's messages cost, by API: counted from what WhatsApp said, priced from a table.

Rule: whether something is paid is WhatsApp's word; how much is only as good as the price file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from datetime import date as Day  # noqa: N812  a parameter is called so
from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from msgspec import Struct

from gateway.prices import Span, price_in, spans
from store import conversations
from store.conversations import Counted
from web.given import Asker, Web
from web.shell.errors import Detail, RefusedError

TAGS = ["Costs"]
DEFAULT_DAYS = 30
MOST_DAYS = 400
SHOWN = Decimal("0.0001")


class CostOut(Struct, frozen=True):
    """One category. `billable` and `free` are of the delivered `messages`; `cost` is that of
    messages, or of conversations where those were paid for; null when no price is known for any.
    `unpriced`: how many paid ones have no price.
    """

    category: str
    conversations: int
    messages: int
    billable: int
    free: int
    cost: str | None
    unpriced: int


class CostsOut(Struct, frozen=True):
    """All categories. `note` says where the prices are from."""

    currency: str
    total: str
    items: list[CostOut]
    note: str


class _Sum:
    """One category, over all spans and countries."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.cost: Decimal | None = None

    def pay(self, units: int, amount: Decimal | None) -> None:
        if amount is not None:
            self.cost = (self.cost or Decimal(0)) + units * amount
        else:
            self.counts["unpriced"] += units


@get("/costs", summary="Count what messages cost", tags=TAGS)
async def get_costs(
    who: Asker,
    web: Web,
    since: Annotated[
        Day | None, QueryParameter(name="from", description="The first day (of the company)")
    ] = None,
    until: Annotated[
        Day | None, QueryParameter(name="to", description="The last day; both may be left out")
    ] = None,
) -> CostsOut:
    """Messages count when they were delivered, conversations when they were opened; the last 30
    days unless asked for others. Days are the company's.
    """
    today = web.clock().astimezone(who.zone).date()
    last = until or today
    first = since or last - timedelta(days=DEFAULT_DAYS - 1)
    if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        said = f"“to” is a day from “from” on, at most {MOST_DAYS} days later."
        raise RefusedError(400, said, details=[Detail("/to", said)])
    begins, ends = (
        datetime.combine(day, time(), tzinfo=who.zone).astimezone(UTC)
        for day in (first, last + timedelta(days=1))
    )
    sums: dict[str, _Sum] = {}
    async with web.database.read() as tx:
        for span in spans(web.prices, begins, ends):
            between = (tx, who.company_id, span.begins, span.ends)
            _add(
                sums,
                span,
                await conversations.count_messages(*between),
                await conversations.count_conversations(*between),
            )
    total = sum((one.cost for one in sums.values() if one.cost), Decimal(0))
    return CostsOut(
        currency=web.prices.currency,
        total=str(total.quantize(SHOWN)),
        items=[_out(category, one) for category, one in sorted(sums.items())],
        note=web.prices.note,
    )


def _add(
    sums: dict[str, _Sum], span: Span, sent: Sequence[Counted], opened: Sequence[Counted]
) -> None:
    by_conversation = span.table is not None and span.table.unit == "conversation"
    for one in sent:
        mine = sums.setdefault(one.category, _Sum())
        mine.counts["messages"] += one.count
        mine.counts["billable"] += one.paid
        if not by_conversation and one.paid:
            mine.pay(one.paid, _price(span, one))
    for one in opened:
        mine = sums.setdefault(one.category, _Sum())
        mine.counts["conversations"] += one.count
        if by_conversation:
            mine.pay(one.count, _price(span, one))


def _price(span: Span, one: Counted) -> Decimal | None:
    return None if span.table is None else price_in(span.table, one.category, one.country)


def _out(category: str, one: _Sum) -> CostOut:
    counts = one.counts
    return CostOut(
        category=category,
        conversations=counts["conversations"],
        messages=counts["messages"],
        billable=counts["billable"],
        free=counts["messages"] - counts["billable"],
        cost=None if one.cost is None else str(one.cost.quantize(SHOWN)),
        unpriced=counts["unpriced"],
    )


HANDLERS = (get_costs,)
