"""The running sandbox: its memory, clock and bells, handed to every verb."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.config import SandboxConfig
from sandbox.ids import Ids
from sandbox.live import Live
from sandbox.memory import Json, Memory, Row
from sandbox.pace import Bucket


@dataclass(slots=True, eq=False)
class World:
    """Everything that a verb needs. `outbox_bell` and `due_bell` wake the background tasks."""

    config: SandboxConfig
    clock: Callable[[], datetime]
    memory: Memory
    ids: Ids
    live: Live = field(default_factory=Live)
    outbox_bell: asyncio.Event = field(default_factory=asyncio.Event)
    due_bell: asyncio.Event = field(default_factory=asyncio.Event)
    throughput: dict[str, Bucket] = field(default_factory=dict)

    def now(self) -> float:
        """Return the sandbox's time in unix seconds."""
        return self.clock().timestamp()


def open_world(config: SandboxConfig, clock: Callable[[], datetime], live: Live) -> World:
    """Open the data file and make sure that the configured number is there."""
    memory = Memory(config.data_file)
    with memory.writing():
        boot = memory.do("insert into boots default values")
        add_phone(
            memory,
            phone_number_id=config.phone_number_id,
            waba_id=config.waba_id,
            display_phone_number=config.display_phone_number,
            verified_name=config.business_name,
            throughput_per_s=config.throughput_per_s,
        )
    return World(config, clock, memory, Ids(config.seed, boot), live)


def add_phone(
    memory: Memory,
    *,
    phone_number_id: str,
    waba_id: str,
    display_phone_number: str,
    verified_name: str,
    throughput_per_s: int,
) -> None:
    """Add a business number, or change the one with this id."""
    memory.do(
        "insert or replace into phones values (?, ?, ?, ?, ?)",
        phone_number_id,
        waba_id,
        display_phone_number,
        verified_name,
        throughput_per_s,
    )


def find_phone(memory: Memory, phone_number_id: str) -> Row | None:
    """Find a business number by its id."""
    return memory.one("select * from phones where phone_number_id = ?", phone_number_id)


def has_account(memory: Memory, waba_id: str) -> bool:
    """Say whether a business account has numbers here."""
    return memory.one("select 1 from phones where waba_id = ?", waba_id) is not None


def post(
    world: World,
    *,
    lane: str,
    waba_id: str,
    field: str,
    value: Json,
    at: float,
    message_id: str | None = None,
) -> None:
    """Put a webhook into the outbox; `lane` is the order it keeps (one per customer)."""
    world.memory.do(
        "insert into outbox (lane, waba_id, field, value, at, message_id)"
        " values (?, ?, ?, ?, ?, ?)",
        lane,
        waba_id,
        field,
        json.dumps(value),
        int(at),
        message_id,
    )
    world.outbox_bell.set()


def iso(at: float | None) -> str | None:
    """Return a moment as ISO 8601 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
