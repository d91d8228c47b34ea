"""Who is asked about an event: only those whose triggers look at its kind."""

from typing import Any, get_args

import pytest

from engine.kinds import catalog
from engine.scene import Lineup, Live
from flows.events import ApiCalled, Event, Replied, ShopHappened, TagsChanged
from tests.engine.flows import flow


def live(number: int, **triggers: dict[str, Any]) -> Live:
    document = flow({"end": {"type": "end"}}, start="end", triggers=triggers)
    return Live(number, number * 10, document)


WORD = {"type": "customer_message", "rules": [{"words": ["hi"]}]}


def test_only_who_listens_is_asked() -> None:
    both = live(2, word=WORD, order={"type": "shop", "on": "order.paid"})
    lineup = Lineup([live(1, word=WORD), both, live(3, api={"type": "api"})])
    asked = [(one.automation_id, [name for name, _ in of]) for one, of in lineup.hearing(Replied)]
    assert asked == [(1, ["word"]), (2, ["word"])]
    assert [one.automation_id for one, _ in lineup.hearing(ShopHappened)] == [2]
    assert [one.automation_id for one, _ in lineup.hearing(ApiCalled)] == [3]
    assert lineup.hearing(TagsChanged) == ()
    assert lineup.find(2) is both
    assert lineup.find(7) is None
    assert [one.automation_id for one in lineup] == [1, 2, 3]


@pytest.mark.parametrize("name", sorted(catalog().triggers))
def test_every_kind_of_trigger_says_what_it_hears(name: str) -> None:
    hears = catalog().triggers[name].hears
    assert hears
    assert set(hears) <= set(get_args(Event))
