"""The flows we ship: nothing to complain about, and templates that WhatsApp would approve."""

from __future__ import annotations

import pytest

from engine.kinds import catalog
from flows.arrange import arrange
from flows.library import GOALS, SHELVES, document, scenarios
from flows.words import wants_stop
from tests.flows.library import FLOWS, TEMPLATES, component, known, labels, variables

BODY_LIMIT, LABEL_LIMIT = 1024, 25  # WhatsApp's, for templates


@pytest.mark.parametrize("name", FLOWS)
def test_nothing_to_complain_about(name: str) -> None:
    flow, problems = catalog().check(document(name), known())
    assert flow is not None
    assert [str(problem) for problem in problems] == []


@pytest.mark.parametrize("name", FLOWS)
def test_cards_stand_where_tidy_up_puts_them(name: str) -> None:
    flow = catalog().read(document(name))
    assert {step_id: step.at for step_id, step in flow.steps.items()} == arrange(flow)


@pytest.mark.parametrize("name", FLOWS)
def test_every_step_has_a_name_and_the_flow_says_what_it_is_for(name: str) -> None:
    flow = catalog().read(document(name))
    assert flow.description
    assert all(step.name for step in flow.steps.values())


def test_every_template_is_used() -> None:
    used = {
        reference.name
        for name in FLOWS
        for step in catalog().read(document(name)).steps.values()
        for reference in step.references()
        if reference.what == "template"
    }
    assert used == set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_keep_whatsapps_rules(name: str) -> None:
    template = TEMPLATES[name]
    body = component(template, "BODY")
    text, names = body["text"], variables(body["text"])
    assert template["name"] == name
    assert template["category"] in ("MARKETING", "UTILITY")
    assert len(text) <= BODY_LIMIT
    assert names == [str(number + 1) for number in range(len(names))]
    assert len(body["example"]["body_text"][0]) == len(names)
    assert not text.startswith("{{")
    assert not text.rstrip(" .!?").endswith("}}")
    assert all(len(label) <= LABEL_LIMIT for label in labels(template))
    assert len(set(labels(template))) == len(labels(template))


@pytest.mark.parametrize("name", TEMPLATES)
def test_marketing_offers_a_way_out(name: str) -> None:
    template = TEMPLATES[name]
    assert ("Stop" in labels(template)) == (template["category"] == "MARKETING")


@pytest.mark.parametrize("name", FLOWS)
def test_quick_replies_stand_where_the_template_has_them(name: str) -> None:
    flow = catalog().read(document(name))
    for step in flow.steps.values():
        for reference in step.references():
            if reference.what != "template":
                continue
            filled = [one.index for one in getattr(step, "buttons", [])]
            assert filled == list(range(len(labels(TEMPLATES[reference.name]))))


def test_every_flow_stands_on_one_shelf() -> None:
    shelved = [name for shelf in SHELVES.values() for name in shelf]
    assert sorted(shelved) == FLOWS
    assert SHELVES.keys() == GOALS.keys()


def test_there_is_one_for_what_shops_and_services_do() -> None:
    assert len(FLOWS) >= 12
    assert len({document(name)["name"] for name in FLOWS}) == len(FLOWS)


@pytest.mark.parametrize("name", FLOWS)
def test_each_comes_with_two_tests_or_more(name: str) -> None:
    assert len({one["name"] for one in scenarios(name)}) >= 2


@pytest.mark.parametrize("name", FLOWS)
def test_no_option_means_stop_by_accident(name: str) -> None:
    flow = catalog().read(document(name))
    for step in flow.steps.values():
        for option, label in step.offers():
            if option != "stop":
                assert not wants_stop(option)
                assert not wants_stop(label)


@pytest.mark.parametrize("name", FLOWS)
def test_what_a_text_fills_in_has_something_else_to_say(name: str) -> None:
    """A name or an order that is not known must not leave a hole in the text."""
    flow = catalog().read(document(name))
    for step in flow.steps.values():
        for _, text in step.texts():
            if "contact.first_name" in text:
                assert "default:" in text
