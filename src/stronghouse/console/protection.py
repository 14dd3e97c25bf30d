"""What every console answer carries and what every unsafe request must show.

Cookies ignore ports, and without a domain other services answer on other ports of this same host. So SameSite is not
enough: a browser says in Sec-Fetch-Site whether a request comes from this very origin (W3C Fetch Metadata), and
clients that send no such header must send an Origin that is ours.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from stronghouse.kernel.errors import Denied

COOKIE = "__Host-stronghouse"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD"})


def check_origin(request: Request) -> None:
    """Raise Denied for an unsafe request that does not come from one of our own pages."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        ours = site in {"same-origin", "none"}
    else:
        ours = urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host", "")
    if not ours:
        raise Denied("This request came from another site and was refused.", code="cross_site")
