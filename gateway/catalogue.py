"""WhatsApp's catalogue: an order, or a question about a product, is an event of a shop's kind
beside the message itself. PURE.

Rule: amounts and ids stay as they came; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from flows.content import Other, plain
from flows.events import ShopHappened
from gateway.channels.cloud_api.shapes import objects, text, whole
from gateway.news import Inbound

SHOP = "whatsapp"
_MOST_DIGITS = 18  # more is no money


def catalogue_row(row: Mapping[str, Any], one: Inbound) -> dict[str, Any] | None:
    """The event that the message `row` of `one` means beside itself, None for most messages."""
    message = {"text": plain(one.content), "id": str(row["id"])}
    if isinstance(one.content, Other) and one.content.kind == "order":
        order = _order(one.content)
        happened = ShopHappened("catalogue.order", {"order": order, "message": message}, SHOP)
    elif one.product:
        data = {"product": one.product, "message": message}
        happened = ShopHappened("product.question", data, SHOP)
    else:
        return None
    return {
        "company_id": row["company_id"],
        "contact_id": row["contact_id"],
        "kind": "shop",
        "data": msgspec.to_builtins(happened),
        "source_id": f"{happened.kind}:{one.channel_id}",
        "at": row["created_at"],
        "created_at": row["created_at"],
    }


def _order(content: Other) -> dict[str, Any]:
    """What texts find under `order`; the total is left out when it cannot be added up."""
    items = [
        {
            "id": text(item.get("product_retailer_id")),
            "quantity": whole(item.get("quantity")) or 1,
            "price": _amount(item.get("item_price")),
            "currency": text(item.get("currency")),
        }
        for item in objects(content.data.get("product_items"))
    ]
    currencies = {item["currency"] for item in items}
    total = ""
    if items and len(currencies) == 1 and all(item["price"] for item in items):
        total = str(sum(Decimal(str(item["price"])) * int(str(item["quantity"])) for item in items))
    return {
        "catalog_id": text(content.data.get("catalog_id")),
        "note": content.note,
        "items": items,
        "count": sum(int(str(item["quantity"])) for item in items),
        "total": total,
        "currency": currencies.pop() if len(currencies) == 1 else "",
    }


def _amount(value: object) -> str:
    """A price as a decimal string; empty for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return ""
    fits = amount.is_finite() and abs(amount.adjusted()) < _MOST_DIGITS
    return f"{amount.normalize():f}" if fits else ""
