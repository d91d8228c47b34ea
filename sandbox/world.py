"""The running sandbox: its memory, clock and bells, handed to every verb.

One rule: what a transaction tells the business or plans for later is kept aside and written once
at its end, so that a send costs few statements and a failed one tells nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from sandbox.config import SandboxConfig
from sandbox.faults import Fault, Hits
from sandbox.ids import Ids
from sandbox.limits import Account, Users
from sandbox.live import Live
from sandbox.memory import Json, Memory, Row
from sandbox.pace import Bucket
from sandbox.quality import SPAN_S, Tally
from sandbox.review import Review
from sandbox.storms import Storm
from sandbox.webhooks import Parcel


class Due(NamedTuple):
    """A deed for later. About no message, `message_n` is 0 and `rule` names the object."""

    at: float
    kind: str
    message_n: int
    rule: str | None


@dataclass(slots=True, eq=False)
class World:
    """Everything that a verb needs. `outbox_bell` and `due_bell` wake the background tasks.

    `posted` are the webhooks that the postman has not fetched yet. `phones`, `accounts` and
    `templates` hold what was read; whoever changes such a row in the memory clears them. `users`
    and `sends` are counted from the messages again after a restart.
    """

    config: SandboxConfig
    clock: Callable[[], datetime]
    memory: Memory
    ids: Ids
    live: Live = field(default_factory=Live)
    outbox_bell: asyncio.Event = field(default_factory=asyncio.Event)
    due_bell: asyncio.Event = field(default_factory=asyncio.Event)
    throughput: dict[str, Bucket] = field(default_factory=dict)
    posted: list[Parcel] = field(default_factory=list)
    phones: dict[str, Row] = field(default_factory=dict)
    templates: dict[tuple[str, str, str], tuple[Row, dict[str, Json]]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    users: dict[str, Users] = field(default_factory=dict)
    sends: Tally = field(default_factory=Tally)
    review: Review = field(default_factory=Review)
    storm: Storm | None = None
    faults: tuple[Fault, ...] = ()
    hits: Hits = field(default_factory=Hits)
    _parcel_n: int = 0
    _parcels: list[Parcel] = field(default_factory=list)
    _dues: list[Due] = field(default_factory=list)

    def now(self) -> float:
        """Return the sandbox's time in unix seconds."""
        return self.clock().timestamp()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make everything inside one transaction, with its webhooks and what it plans."""
        try:
            with self.memory.writing():
                yield
                self._write_down()
        except BaseException:
            self._parcels.clear()
            self._dues.clear()
            raise
        if self._parcels:
            self.posted += self._parcels
            self._parcels.clear()
            self.outbox_bell.set()
        if self._dues:
            self._dues.clear()
            self.due_bell.set()

    def post(
        self,
        *,
        lane: str,
        waba_id: str,
        field: str,
        value: Json,
        at: float,
        message_id: str | None = None,
        items: int = 1,
    ) -> None:
        """Put a webhook with some `items` into the outbox. Called inside `writing`.

        `lane` is the order that it keeps, one per customer.
        """
        self._parcel_n += 1
        self._parcels.append(
            Parcel(self._parcel_n, lane, waba_id, field, value, int(at), message_id, items)
        )

    def later(self, at: float, kind: str, message_n: int = 0, rule: str | None = None) -> None:
        """Plan a deed for a moment of the sandbox's clock. Called inside `writing`."""
        self._dues.append(Due(at, kind, message_n, rule))

    def is_planned(self, kind: str, rule: str) -> bool:
        """Say whether such a deed waits already."""
        row = self.memory.one("select 1 from due where kind = ? and rule = ?", kind, rule)
        return row is not None or any((one.kind, one.rule) == (kind, rule) for one in self._dues)

    def _write_down(self) -> None:
        if self._parcels:
            self.memory.do_all(
                "insert into outbox (n, lane, waba_id, field, value, at, message_id, items)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    one._replace(value=msgspec.json.encode(one.value).decode())  # type: ignore[arg-type]
                    for one in self._parcels
                ],
            )
        if self._dues:
            self.memory.do_all(
                "insert into due (at, kind, message_n, rule) values (?, ?, ?, ?)", self._dues
            )


def open_world(config: SandboxConfig, clock: Callable[[], datetime], live: Live) -> World:
    """Open the data file and make sure that the configured number is there."""
    memory = Memory(config.data_file)
    with memory.writing():
        boot = memory.do("insert into boots default values")
    row = memory.one("select seq from sqlite_sequence where name = 'outbox'")
    world = World(
        config, clock, memory, Ids(config.seed, boot), live, _parcel_n=row["seq"] if row else 0
    )
    world.posted = [
        Parcel(**dict(row) | {"value": msgspec.json.decode(row["value"])})
        for row in memory.all("select * from outbox order by n")
    ]
    _count_sends(world)
    with world.writing():
        add_phone(
            world,
            phone_number_id=config.phone_number_id,
            waba_id=config.waba_id,
            display_phone_number=config.display_phone_number,
            verified_name=config.business_name,
            throughput_per_s=config.throughput_per_s,
        )
    return world


def _count_sends(world: World) -> None:
    for row in world.memory.all(
        "select phone_number_id, template_id, cast(at / 3600 as integer) * 3600.0 as hour,"
        " count(*) as count from messages where direction = 'out' and at > ? group by 1, 2, 3",
        world.now() - SPAN_S,
    ):
        world.sends.add(row["phone_number_id"], row["hour"], row["count"])
        if row["template_id"]:
            world.sends.add(row["template_id"], row["hour"], row["count"])


def add_phone(
    world: World,
    *,
    phone_number_id: str,
    waba_id: str,
    display_phone_number: str,
    verified_name: str,
    throughput_per_s: int,
) -> None:
    """Add a business number, or change the one with this id; what stops it stays."""
    world.memory.do(
        "insert into phones"
        " (phone_number_id, waba_id, display_phone_number, verified_name, throughput_per_s)"
        " values (?, ?, ?, ?, ?) on conflict do update set waba_id = excluded.waba_id,"
        " display_phone_number = excluded.display_phone_number,"
        " verified_name = excluded.verified_name, throughput_per_s = excluded.throughput_per_s",
        phone_number_id,
        waba_id,
        display_phone_number,
        verified_name,
        throughput_per_s,
    )
    world.phones.clear()


def find_phone(world: World, phone_number_id: str) -> Row | None:
    """Find a business number by its id."""
    found = world.phones.get(phone_number_id)
    if found is None:
        found = world.memory.one("select * from phones where phone_number_id = ?", phone_number_id)
        if found is not None:
            world.phones[phone_number_id] = found
    return found


def has_account(memory: Memory, waba_id: str) -> bool:
    """Say whether a business account has numbers here."""
    return memory.one("select 1 from phones where waba_id = ?", waba_id) is not None


def iso(at: float | None) -> str | None:
    """Return a moment as ISO 8601 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
