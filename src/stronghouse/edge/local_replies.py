"""The sentences that the edge itself answers with, instead of Envoy's terse ones. Upstream answers pass untouched."""

import re

from stronghouse.edge.configuration import DENIED_STATUS, VirtualHost
from stronghouse.kernel.canonical import Json

MISDIRECTED_STATUS = 421
"""RFC 9110 section 15.5.20: tells a browser that reused a connection for another name to open a new one."""
DENIED = (
    "This address, %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%, "
    "is not on the IP access list of what it asked for.\n"
)
MISDIRECTED = "The requested host is not served under this server name and port.\n"
UNAVAILABLE = "The service did not answer; try again.\n"
TOO_LARGE = "The request body is larger than what is accepted here.\n"


def local_replies(hosts: list[VirtualHost]) -> Json:
    """The reply configuration of a filter chain that serves `hosts`; the first mapper that matches decides."""
    names = "|".join(re.escape(name) for host in hosts for name in host.hosts)
    served: Json = {
        "header_filter": {
            "header": {"name": ":authority", "string_match": {"safe_regex": {"regex": f"(?i)({names})"}}},
        }
    }
    return {
        "mappers": [
            _mapper({"and_filter": {"filters": [_status(DENIED_STATUS), served]}}, DENIED),
            # Denied though no address list applies: the pins of another virtual host, or no virtual host at all.
            _mapper(_status(DENIED_STATUS), MISDIRECTED, status=MISDIRECTED_STATUS),
            _mapper(_status(413), TOO_LARGE),
            _mapper(
                {"response_flag_filter": {"flags": ["UF", "UH", "UC", "UR", "UO", "URX", "LR", "NC"]}}, UNAVAILABLE
            ),
        ]
    }


def _status(code: int) -> Json:
    compared: Json = {"default_value": code, "runtime_key": "stronghouse.unused"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": compared}}}


def _mapper(condition: Json, text: str, *, status: int | None = None) -> Json:
    mapper: dict[str, Json] = {
        "filter": condition,
        "headers_to_add": [
            {
                "header": {"key": "x-content-type-options", "value": "nosniff"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",  # a virtual host's own headers are there already
            }
        ],
        "body_format_override": {
            "text_format_source": {"inline_string": text},
            "content_type": "text/plain; charset=utf-8",
        },
    }
    if status is not None:
        mapper["status_code"] = status
    return mapper
