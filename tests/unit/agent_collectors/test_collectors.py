"""The agent has a collector for everything that a region may be asked for, and for nothing else."""

from stronghouse.agent.collectors import COLLECTORS
from stronghouse.responsibility.facts import COLLECTORS as DECLARED
from stronghouse.responsibility.facts import Place


def test_agent_has_exactly_the_collectors_of_a_region() -> None:
    assert set(COLLECTORS) == {name for name, places in DECLARED.items() if Place.REGION in places}
