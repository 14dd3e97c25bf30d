"""Takes what browsers report of breaches of the pages' policy: each is an attack, or a mistake of ours."""

import json
from typing import Annotated

import structlog
from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.console.protection import REPORTS
from stronghouse.console.state import Console, no_content

router = APIRouter()
FIELDS = ("document-uri", "violated-directive", "effective-directive", "blocked-uri", "source-file", "line-number")
DIRECTIVES = frozenset(
    {
        "base-uri",
        "connect-src",
        "form-action",
        "frame-src",
        "img-src",
        "require-trusted-types-for",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "trusted-types",
    }
)
MAX_FIELD = 200
log = structlog.get_logger(__name__)


@router.post(REPORTS)
def take(request: Request, body: Annotated[bytes, Body(media_type="application/csp-report")] = b"") -> Response:
    """Log a report (CSP 3, section 5.3), at most one of a directive in ten seconds: anybody may send any number."""
    console: Console = request.app.state.console
    try:
        report = json.loads(body)["csp-report"]
        told = {name: str(report[name])[:MAX_FIELD].split("?")[0] for name in FIELDS if name in report}
    except (ValueError, KeyError, TypeError, RecursionError):
        told = {}
    directive = told.get("effective-directive", "")
    if told and console.reports.is_news(directive if directive in DIRECTIVES else "another"):
        log.warning("policy_breached", **{name.replace("-", "_"): value for name, value in told.items()})
    return no_content()
