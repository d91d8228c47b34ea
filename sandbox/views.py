"""What the phone page shows, gathered from memory; the pages only lay it out."""

import json
import re
from datetime import UTC, datetime

from markupsafe import Markup, escape

from sandbox import accounts, business, chats, refused
from sandbox.limits import TIERS, UNLIMITED
from sandbox.memory import Json, Row
from sandbox.numbers import pretty
from sandbox.shown import options_of
from sandbox.timers import state
from sandbox.world import World

MOST_CHATS = 200
MOST_MESSAGES = 200
FICTIONAL = 447700900000
"""The first of a thousand numbers that are kept free for drama, +44 7700 900xxx."""
FICTIONAL_NUMBERS = 1000

BANNED = 131031

STYLES = (
    (re.compile(r"```(.+?)```", re.DOTALL), r"<code>\1</code>"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_/])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), r"<s>\1</s>"),
)
LINK = re.compile(r"(https?://[^\s<]+[^\s<.,;:!?)])")

KINDS = {
    "image": "Photo",
    "video": "Video",
    "audio": "Voice message",
    "document": "Document",
    "sticker": "Sticker",
    "location": "Location",
    "contacts": "Contact card",
}


def formatted(text: str) -> Markup:
    """Return a text with WhatsApp's *bold*, _italic_, ~strike~, ```code``` and links as HTML."""
    pieces = LINK.split(text)
    for place, piece in enumerate(pieces):
        safe = str(escape(piece))
        if place % 2:
            pieces[place] = f'<a href="{safe}" target="_blank" rel="noopener">{safe}</a>'
            continue
        for pattern, html in STYLES:
            safe = pattern.sub(html, safe)
        pieces[place] = safe
    return Markup("".join(pieces))  # noqa: S704 - every piece is escaped above


def plain(text: str) -> str:
    """Return a text without WhatsApp's marks, for previews of one or two lines."""
    for pattern, _ in STYLES:
        text = pattern.sub(r"\1", text)
    return text


def list_view(world: World, query: str) -> Json:
    """Gather the customers, newest chat first, what was refused and how quiet it is."""
    memory = world.memory
    digits = "".join(filter(str.isdigit, query))
    rows = memory.all(
        "select c.wa_id, c.name, m.text, m.type, m.at, m.direction, m.status,"
        " (select count(*) from messages u where u.wa_id = c.wa_id and u.direction = 'out'"
        "  and u.status = 'delivered' and u.type <> 'reaction') as unread"
        " from customers c left join messages m on m.n = c.last_n"
        " where ?1 = '' or instr(lower(c.name), lower(?1)) or (?2 <> '' and instr(c.wa_id, ?2))"
        " order by c.last_n desc, c.name limit ?3",
        query,
        digits,
        MOST_CHATS,
    )
    now = world.now()
    return {
        "chats": [_chat_row(row, now) for row in rows],
        "any": bool(rows) or memory.one("select 1 from customers") is not None,
        "state": state(world),
        "refused": [_refusal(row, now) for row in refused.latest(memory)],
        "free_number": _free_number(world),
        "business": _business(world),
    }


def _business(world: World) -> list[Json]:
    """Gather the numbers with what Meta thinks of them, and the trouble that is made up."""
    shown: list[Json] = []
    for row in world.memory.all("select * from phones order by rowid"):
        number = business.as_json(world, row)
        account = accounts.as_json(world, row["waba_id"])
        lines = [_line(f"Quality {row['quality'].lower()}", bad=row["quality"] == "RED")]
        if account["messaging_limit"] != UNLIMITED:
            limit = TIERS[account["messaging_limit"]]
            lines.append(_line(f"{account['users_24h']} of {limit} users written to in 24 hours"))
        if number["status"] != "CONNECTED" or number["stop_code"]:
            code = number["stop_code"] or BANNED
            lines.append(_line(f"{number['status'].capitalize()}: sends get {code}", bad=True))
        lines += [_line(kind, bad=True) for kind in account["restrictions"]]
        title = pretty(row["display_phone_number"])
        shown.append({"key": row["phone_number_id"], "title": title, "lines": lines})
    if world.faults or world.storm is not None:
        lines = [_line(f"Faults of answers: {len(world.faults)}", bad=True)] if world.faults else []
        lines += [_line("Statuses are told in a storm", bad=True)] if world.storm else []
        shown.append({"key": "trouble", "title": "Made-up trouble", "lines": lines})
    return shown


def _line(text: str, *, bad: bool = False) -> Json:
    return {"text": text, "bad": bad}


def _chat_row(row: Row, now: float) -> Json:
    preview = ""
    if row["at"] is not None:
        preview = plain(row["text"]) or KINDS.get(row["type"], row["type"])
    return {
        "wa_id": row["wa_id"],
        "name": row["name"] if row["name"] != row["wa_id"] else pretty(row["wa_id"]),
        "preview": preview,
        "mine": row["direction"] == "in",
        "failed": row["status"] == "failed",
        "when": _when(row["at"], now) if row["at"] is not None else "",
        "unread": row["unread"],
    }


def _refusal(row: Row, now: float) -> Json:
    return {
        "n": row["n"],
        "when": _when(row["at"], now),
        "code": row["code"],
        "http_status": row["http_status"],
        "message": row["message"],
        "details": row["details"],
        "call": f"{row['method']} {row['path']}",
    }


def _free_number(world: World) -> str:
    for step in range(FICTIONAL_NUMBERS):
        place = (world.config.seed + 123 + step) % FICTIONAL_NUMBERS
        candidate = str(FICTIONAL + place)
        if world.memory.one("select 1 from customers where wa_id = ?", candidate) is None:
            return pretty(candidate)
    return ""


def chat_view(world: World, customer: Row, phone: Row) -> Json:
    """Gather one customer's chat with one business number."""
    memory, wa_id, now = world.memory, customer["wa_id"], world.now()
    rows = memory.all(
        "select * from (select * from messages where wa_id = ? and phone_number_id = ?"
        " and type <> 'reaction' order by n desc limit ?) order by n",
        wa_id,
        phone["phone_number_id"],
        MOST_MESSAGES,
    )
    between = chats.between(memory, wa_id, phone["phone_number_id"], now)
    ends = (between.last_in or 0) + chats.SERVICE_WINDOW_S
    return {
        "wa_id": wa_id,
        "name": customer["name"],
        "unreachable": bool(customer["unreachable"]),
        "blocked": between.blocked_at is not None,
        "phone": dict(phone),
        "phones": [dict(row) for row in memory.all("select * from phones order by rowid")],
        "window_until": _when(ends, now) if ends > now else None,
        "items": _items(world, rows),
    }


def _items(world: World, rows: list[Row]) -> list[Json]:
    items: list[Json] = []
    day = ""
    for row in rows:
        local = _local(row["at"])
        if (today := local.strftime("%A %-d %B")) != day:
            day = today
            items.append({"key": f"day-{row['n']}", "day": day})
        items.append(_bubble(world, row, local))
    return items


def _bubble(world: World, row: Row, local: datetime) -> Json:
    shown = json.loads(row["shown"])
    tapped = set(json.loads(row["tapped"] or "[]"))
    place = 0
    for part in (shown, *shown.get("cards", [])):
        for button in part.get("buttons", []):
            if button["kind"] == "reply":
                button["place"], button["tapped"] = place, place in tapped
                place += 1
    for section in shown.get("list", {}).get("sections", []):
        for option in section["rows"]:
            option["place"], option["tapped"] = place, place in tapped
            place += 1
    quoted = chats.find(world.memory, row["context_id"]) if row["context_id"] else None
    return {
        "key": f"message-{row['n']}",
        "id": row["id"],
        "mine": row["direction"] == "in",
        "type": row["type"],
        "template": row["template"],
        "shown": shown,
        "options": len(options_of(shown)),
        "time": local.strftime("%H:%M"),
        "iso": local.isoformat(),
        "status": row["status"],
        "error": row["error"],
        "reaction": row["reaction"],
        "quoted": (plain(quoted["text"]) or KINDS.get(quoted["type"], "")) if quoted else None,
    }


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone()


def _when(at: float, now: float) -> str:
    local = _local(at)
    return local.strftime("%H:%M" if local.date() == _local(now).date() else "%-d %b %H:%M")
