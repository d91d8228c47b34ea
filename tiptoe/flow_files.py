"""Reads what people write for `tiptoe flow`: documents, scripts of events, contacts, tests.

Rule: whatever is wrong with a file is told with its place in the file, as a MistakeError.
"""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import available_timezones

import msgspec

from flows.contact import Contact
from flows.scenario import Scenario, Scripted, read_scenario, wrong_with
from tiptoe.errors import MistakeError

STANDARD_INPUT = "-"


class FileError(MistakeError):
    """A file that cannot be used; the message says where and why."""


def read_json(path: str) -> Any:
    """Return what the JSON file at `path` holds; `-` is standard input.

    Raises FileError, with line and column where the JSON ends to make sense.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    try:
        raw = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as problem:
        raise FileError(f"{name} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise FileError(f"{name} is not UTF-8 text (byte {problem.start + 1}).") from problem
    try:
        return json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number)
    except json.JSONDecodeError as problem:
        where = f"{name}, line {problem.lineno}, column {problem.colno}"
        raise FileError(f"{where}: this is not JSON: {problem.msg}.") from problem
    except (ValueError, RecursionError) as problem:
        why = "it is nested too deeply" if isinstance(problem, RecursionError) else str(problem)
        raise FileError(f"{name} cannot be used: {why}.") from problem


def read_script(path: str) -> list[Scripted]:
    """Return the lines of a script. Raises FileError that names the entry, counted from 1."""
    raw = read_json(path)
    if not isinstance(raw, list):
        raise FileError(f"{path}: a script is a list of what happens.")
    return [_scripted(path, number, entry) for number, entry in enumerate(raw, 1)]


def read_contact(path: str) -> Contact:
    """Return the person in the file. Raises FileError for what a contact does not have."""
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise FileError(f"{path}: a contact is an object.")
    unknown = sorted(raw.keys() - set(Contact.__struct_fields__))
    if unknown:
        known = ", ".join(Contact.__struct_fields__)
        raise FileError(f"{path}: a contact has no “{unknown[0]}”; it has {known}.")
    try:
        contact = msgspec.convert(raw, Contact)
    except msgspec.ValidationError as problem:
        raise FileError(f"{path}: {problem}.") from problem
    if contact.zone not in available_timezones():
        wanted = "an IANA name such as Europe/Rome"
        raise FileError(f"{path}: “{contact.zone}” is no time zone; write {wanted}.")
    if contact.last_inbound_at is not None and contact.last_inbound_at.tzinfo is None:
        raise FileError(f"{path}: last_inbound_at needs its offset, such as 2026-03-02T10:00:00Z.")
    return contact


def read_object(path: str) -> dict[str, Any]:
    """Return the JSON object in the file. Raises FileError when it holds anything else."""
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise FileError(f"{path}: this must be an object.")
    return raw


def read_tests(path: str) -> list[Scenario]:
    """Return the saved tests in the file: one, or a list of them.

    Raises FileError that names the test and all that is wrong with it.
    """
    raw = read_json(path)
    tests = []
    for number, entry in enumerate(raw if isinstance(raw, list) else [raw], 1):
        scenario, wrong = read_scenario(entry)
        if scenario is None:
            name = entry.get("name") if isinstance(entry, dict) else None
            where = f"{path}, test {f'“{name}”' if name else number}"
            raise FileError(f"{where}: {' '.join(wrong)}")
        tests.append(scenario)
    return tests


def _scripted(path: str, number: int, entry: object) -> Scripted:
    where = f"{path}, entry {number}"
    try:
        one = msgspec.convert(entry, Scripted)
    except msgspec.ValidationError as problem:
        raise FileError(f"{where}: {problem}.") from problem
    if wrong := wrong_with(one):
        raise FileError(f"{where}: {wrong}.")
    return one


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says two things under one name: JSON would keep the last."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"“{twice}” stands twice in the same object")
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
