"""The SQLite file in which a sandbox remembers everything, restarts included.

One rule: one connection, used by one thread; every change happens inside `writing`.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Row: TypeAlias = sqlite3.Row

SCHEMA = """
create table if not exists boots (n integer primary key autoincrement);
create table if not exists phones (
    phone_number_id text primary key, waba_id text not null, display_phone_number text not null,
    verified_name text not null, throughput_per_s integer not null);
create table if not exists customers (
    wa_id text primary key, name text not null, user_id text unique, username text,
    hide_number integer not null, script text not null, reads integer not null,
    delivered_after_s real not null, read_after_s real, unreachable integer not null,
    received integer not null default 0, last_n integer not null default 0);
create index if not exists customers_recent on customers (last_n desc);
create table if not exists chats (
    wa_id text not null, phone_number_id text not null, last_in real,
    pair_tokens real not null, pair_at real not null,
    primary key (wa_id, phone_number_id)) without rowid;
create table if not exists messages (
    n integer primary key autoincrement, id text not null unique, direction text not null,
    wa_id text not null, phone_number_id text not null, type text not null, text text not null,
    shown text not null, template text, category text, billable integer not null default 0,
    at real not null, callback_data text, status text not null, error integer, context_id text,
    tapped text, reaction text);
create index if not exists messages_chat on messages (wa_id, phone_number_id, n);
create table if not exists templates (
    id text primary key, waba_id text not null, name text not null, language text not null,
    category text not null, components text not null, status text not null, reason text not null,
    unique (waba_id, name, language));
create table if not exists media (
    id text primary key, phone_number_id text not null, mime_type text not null,
    sha256 text not null, data blob not null, at real not null, filename text not null);
create table if not exists due (
    n integer primary key autoincrement, at real not null, kind text not null,
    message_n integer not null, rule text);
create index if not exists due_at on due (at, n);
create table if not exists outbox (
    n integer primary key autoincrement, lane text not null, waba_id text not null,
    field text not null, value text not null, at integer not null, message_id text);
create table if not exists refusals (
    n integer primary key autoincrement, at real not null, method text not null,
    path text not null, http_status integer not null, code integer not null,
    message text not null, details text not null);
create table if not exists refusal_counts (code integer primary key, count integer not null);
create table if not exists accounts (
    waba_id text primary key, tier text not null, grows integer not null,
    restrictions text not null, restricted_until real, banned integer not null);
create table if not exists complaints (
    n integer primary key autoincrement, at real not null, kind text not null,
    wa_id text not null, phone_number_id text not null, template_id text);
create index if not exists complaints_phone on complaints (phone_number_id, at);
create index if not exists complaints_template on complaints (template_id, at);
create table if not exists template_edits (
    template_id text not null, at real not null, approved integer not null);
create table if not exists uploads (
    id text primary key, filename text not null, mime_type text not null, size integer not null,
    data blob not null, handle text unique);
create table if not exists settings (name text primary key, value text not null);
"""

ADDED = {
    "phones": (
        "quality text not null default 'GREEN'",
        "rated_by_hand integer not null default 0",
        "red_sends integer not null default 0",
        "stop_code integer",
        "stop_until real",
        "stop_after integer not null default 0",
    ),
    "chats": ("blocked_at real",),
    "messages": ("template_id text", "opened integer not null default 0"),
    "templates": (
        "quality text not null default 'UNKNOWN'",
        "quality_since real not null default 0",
        "rated_by_hand integer not null default 0",
        "pauses integer not null default 0",
        "first_sent real",
    ),
    "media": ("kept_s real not null default 2592000",),
    "outbox": ("items integer not null default 1",),
}
"""Columns that came later than their table; a file from before gets them when it is opened."""


class Memory:
    """The open data file. It survives the death of the sandbox, but not of the machine: nothing is
    flushed to the disk, which is most of what a commit costs.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(
            "pragma journal_mode = wal; pragma synchronous = off; pragma busy_timeout = 5000;"
            + SCHEMA
        )
        for table, columns in ADDED.items():
            known = {row["name"] for row in self.all(f"pragma table_info({table})")}
            for column in columns:
                if column.partition(" ")[0] not in known:
                    self.do(f"alter table {table} add column {column}")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make everything inside one transaction: all of it happens, or nothing."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def all(self, sql: str, *values: object) -> list[Row]:
        """Return all rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row of a query, if any."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def number(self, sql: str, *values: object) -> int:
        """Return the single number that a query answers with."""
        return int(self._connection.execute(sql, values).fetchone()[0])

    def do(self, sql: str, *values: object) -> int:
        """Carry out one statement; return the new row's id (of an insert)."""
        return int(self._connection.execute(sql, values).lastrowid or 0)

    def changed(self, sql: str, *values: object) -> int:
        """Carry out one statement; return how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def do_all(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Carry out one statement for many rows."""
        self._connection.executemany(sql, rows)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
