"""Addresses that mail is sent to: of the common form only, so that no header and no SMTP command can be made of one."""

import re

from stronghouse.kernel.errors import Invalid

MAX_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3: a path of 256 octets, with its brackets
MAX_LOCAL = 64  # section 4.5.3.1.1
# A dot-atom of RFC 5322, and a host name of RFC 1123 or `localhost`; no quoted parts, comments or address literals.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_FORM = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")


def mail_address(text: str) -> str:
    """An address in lower case; raises Invalid for what mail is not sent to."""
    address = text.strip(" ").lower()
    found = _FORM.fullmatch(address) if len(address) <= MAX_ADDRESS else None
    if found is None or len(found["local"]) > MAX_LOCAL:
        raise Invalid(
            "This is not an e-mail address that mail can be sent to: it has the form name@example.com, in ASCII.",
            code="email_invalid",
        )
    return address
