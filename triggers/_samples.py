"""What a shop might tell, of every sort: what try-outs begin with. PURE.

Not a kind itself (hence the underscore). The names are those of `triggers.shops.base`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.events import ShopKind

_ITEMS = [
    {"title": "Blue Mug", "quantity": 1, "price": "32.00", "id": "11", "variant": "Large"},
    {"title": "Green Tea", "quantity": 2, "price": "16.00", "id": "12", "variant": ""},
]
_CART: dict[str, Any] = {
    "cart": {
        "key": "b7a1",
        "total": "64.00",
        "currency": "EUR",
        "count": 3,
        "url": "https://shop.example.com/r/b7a1",
        "path": "r/b7a1",
        "items": _ITEMS,
    }
}
_ORDER: dict[str, Any] = {
    "order": {
        "key": "1",
        "name": "#1001",
        "total": "64.00",
        "currency": "EUR",
        "count": 3,
        "url": "https://shop.example.com/o/1",
        "path": "o/1",
        "items": _ITEMS,
        "tracking": {"company": "", "number": "", "url": ""},
    }
}
_SHIPPED: dict[str, Any] = {
    "order": {
        **_ORDER["order"],
        "tracking": {"company": "UPS", "number": "1Z", "url": "https://track.example.com/1Z"},
    }
}
_WANTED = [{"id": "SKU-1", "quantity": 1, "price": "32.00", "currency": "EUR"}]

SAMPLES: Mapping[ShopKind, dict[str, Any]] = {
    "cart.updated": _CART,
    "cart.abandoned": _CART,
    "cart.recovered": _CART,
    "order.created": _ORDER,
    "order.paid": _ORDER,
    "order.fulfilled": _SHIPPED,
    "order.delivered": _SHIPPED,
    "order.cancelled": _ORDER,
    "order.refunded": _ORDER,
    "customer.created": {},
    "customer.updated": {},
    "consent.changed": {},
    "payment.succeeded": _ORDER,
    "payment.failed": _ORDER,
    "catalogue.order": {
        "order": {"items": _WANTED, "total": "32.00", "currency": "EUR"},
        "message": {"text": "I would like this", "id": "1"},
    },
    "product.question": {
        "product": {"id": "SKU-1"},
        "message": {"text": "Do you have this in blue?", "id": "1"},
    },
}
