"""Each request as a check: it passes when what is on file is there, opens, counts and was reviewed."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from stronghouse.responsibility.documents.model import DocumentRequest, DocumentState, RequestKind
from stronghouse.responsibility.documents.standing import KIND, judge
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import Check, CheckMeta, Result, ResultState

COLLECTOR = "documents"
MAX_AGE = timedelta(days=1)
_RESULTS = {DocumentState.IN_ORDER: ResultState.PASS, DocumentState.NOT_APPLICABLE: ResultState.NOT_APPLICABLE}


def document_checks(requests: Iterable[DocumentRequest]) -> Iterator[Check]:
    """A check for each request."""
    for request in requests:
        yield Check(_meta(request), _evaluator(request))


def _meta(request: DocumentRequest) -> CheckMeta:
    steps = [f"`{request.command}`. Where to get it: {request.source}"]
    if request.kind is RequestKind.DOCUMENT:
        steps.append('Then `stronghouse document review DOCUMENT --note "…"`.')
    steps.append(f"`stronghouse check --id {request.check_id}` looks at once.")
    return CheckMeta(
        id=request.check_id,
        title=request.title,
        severity=request.severity,
        risk=request.risk,
        remediation=" ".join(steps),
        max_age=MAX_AGE,
        collector=COLLECTOR,
        controls=(request.control,),
        frameworks=request.frameworks,
    )


def _evaluator(request: DocumentRequest) -> Callable[[Facts], Iterator[Result]]:
    def evaluate(facts: Facts) -> Iterator[Result]:
        """One result for each organization that has to file, or one for the installation."""
        for resource in facts.of_kind(KIND):
            if resource.text("request") == request.id:
                standing = judge(request, resource, at=facts.collected_at)
                yield Result(resource.id, _RESULTS.get(standing.state, ResultState.FAIL), standing.reason)

    return evaluate
