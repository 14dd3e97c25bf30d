"""Running an evaluator and holding it to its contract."""

from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import EVALUATED, Check, Result


def evaluate(check: Check, facts: Facts) -> list[Result]:
    """What a check says about `facts`.

    Raises:
        Invalid: the facts lack what it needs, or it judged a resource twice, or gave a state that is not its to give.
    """
    results = list(check.evaluate(facts))
    known = {resource.id for resource in facts.resources}
    if len({result.resource for result in results}) != len(results):
        raise Invalid(f"Check {check.meta.id} judged a resource twice.")
    if any(result.state not in EVALUATED or result.resource not in known or not result.reason for result in results):
        raise Invalid(f"Check {check.meta.id} gave a result that is not its to give.")
    return results
