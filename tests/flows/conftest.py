"""`pytest tests/flows --update` writes the golden transcripts again; look at the diff."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden transcripts again")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    # A run of all tests loads this file too late for the command line to know the option.
    return bool(request.config.getoption("--update", default=False))
