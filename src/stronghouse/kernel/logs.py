"""Structured logs: one JSON object a line, to standard error, with secrets taken out before they are written.

The supervisor collects each process's standard error into a file of the state directory.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from stronghouse.kernel.redaction import REDACTED, SENSITIVE_KEYS
from stronghouse.kernel.secret import Secret


def configure_logs(process: str) -> None:
    """Set up structlog and the standard library's logging for this process; `process` names it in every line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _name_process(process),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(default=_refuse_secret)],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of `Secret` type and of keys known to be sensitive."""
    for key, value in event.items():
        if isinstance(value, Secret) or key.lower() in SENSITIVE_KEYS:
            event[key] = REDACTED
    return event


def _name_process(process: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    return add


def _refuse_secret(value: object) -> str:
    return REDACTED if isinstance(value, Secret) else repr(value)
