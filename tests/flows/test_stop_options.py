"""Options whose words ask for no more messages, although they were meant for something else."""

import pytest

from engine.kinds import catalog
from flows.issues import issues


def said(label: str, option: str = "choice") -> list[str]:
    document = {
        "name": "Test",
        "start": "say",
        "triggers": {"word": {"type": "customer_message", "catch_all": True}},
        "steps": {
            "say": {
                "type": "send_message",
                "text": "Well?",
                "options": [{"id": option, "label": label}],
                "next": {"sent": "end"},
            },
            "end": {"type": "end"},
        },
    }
    return [one.sentence for one in issues(catalog().decode(document))]


@pytest.mark.parametrize("label", ["Cancel", "annulla", " Stop! ", "END"])
def test_a_stop_word_on_an_option_is_told(label: str) -> None:
    assert said(label) == [
        f"Who taps “{label.strip()}” gets no more messages at all: it is a stop word."
    ]


@pytest.mark.parametrize(
    ("label", "option"), [("Cancel the order", "choice"), ("Stop", "stop"), ("Sì", "yes")]
)
def test_more_words_and_the_way_out_are_fine(label: str, option: str) -> None:
    assert said(label, option) == []
