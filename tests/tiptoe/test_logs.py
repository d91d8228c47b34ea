"""Log lines, from one process to the terminal of another."""

import json
import logging
import subprocess
import sys

import pytest

from tiptoe.logs import read_line

SPEAKER = """
import logging, structlog, sys
from tiptoe.logs import configure_logs
configure_logs("info", sys.argv[1], "engine")
log = structlog.get_logger("ours")
log.debug("hidden")
log.info("moved", company=7, run=12)
logging.getLogger("theirs").warning("careful %s", "now")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broke")
"""


def said(form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SPEAKER, form], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_lines_have_the_facts_and_can_be_read_back() -> None:
    moved, careful, broke = said("json")
    assert json.loads(moved) | {"timestamp": ""} == {
        "timestamp": "", "level": "info", "logger": "ours", "process": "engine",
        "event": "moved", "company": 7, "run": 12,
    }  # fmt: skip
    line = read_line(moved)
    assert line.severity == logging.INFO
    assert line.text.endswith(" info moved company=7 run=12")
    assert read_line(careful).text.endswith(" warning careful now")
    assert read_line(broke).severity == logging.ERROR
    assert "ZeroDivisionError" in read_line(broke).text


def test_text_lines_are_for_people() -> None:
    lines = said("text")
    assert lines[0].startswith("engine | 20")
    assert lines[0].endswith("info moved company=7 run=12")
    assert lines[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("raw", ["plain words", "[1]", "3", '{"level": "odd"}', "", "{"])
def test_a_foreign_line_is_a_warning_as_it_is(raw: str) -> None:
    line = read_line(raw)
    assert (line.severity, line.text) == (logging.WARNING, raw)
