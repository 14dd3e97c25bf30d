"""What every console answer carries and what every unsafe request must show.

Cookies ignore ports, and without a domain other services answer on other ports of this same host. So SameSite is not
enough: a browser says in Sec-Fetch-Site whether a request comes from this very origin (W3C Fetch Metadata), and
clients that send no such header must send an Origin that is ours. What a request that changes something needs beyond
that, since whatever answers on another port is sent our cookie, is in `binding`.
"""

import secrets

from starlette.requests import Request

from stronghouse.kernel.errors import Denied

COOKIE = "__Host-stronghouse"
REPORTS = "/csp-reports"
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SAFE_METHODS = frozenset({"GET", "HEAD"})


def new_nonce() -> str:
    """What the scripts of one answer are marked with."""
    return secrets.token_urlsafe(16)


def content_security_policy(nonce: str) -> str:
    """Nothing but our own files and the scripts that carry `nonce`; only htmx writes markup (CSP 3, Trusted Types)."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        f"trusted-types htmx; report-uri {REPORTS}"
    )


def check_origin(request: Request) -> None:
    """Raise Denied for an unsafe request that does not come from one of our own pages."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        ours = site in {"same-origin", "none"}
    else:
        ours = request.headers.get("origin", "") == f"https://{request.headers.get('host', '')}"
    if not ours:
        raise Denied("This request came from another site and was refused.", code="cross_site")


def check_download(request: Request) -> None:
    """Raise Denied for a download that a page of another origin asks for: each is work, and is recorded as wanted."""
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise Denied(
            "Another site asked for this file, so it was refused. Open the page and ask anew.", code="cross_site"
        )
