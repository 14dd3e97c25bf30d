"""`stronghouse advisories` and `stronghouse components`: the feed of known vulnerabilities, and what it is about."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import counted, remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.errors import Invalid

app = typer.Typer(name="advisories", help="Known vulnerabilities: the imported feed.", no_args_is_help=True)
PAGE = 500
MAX_MANIFEST_BYTES = 16 * 1024


@app.command("status")
def status(org: Organization = None, as_json: Json = False) -> None:
    """The feed that was imported last, and the keys that may sign one."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/advisories")
    if as_json:
        show_json(found)
        return
    if found["feed"] is None:
        remark("No advisories were imported yet: `stronghouse advisories import FILE`.")
    else:
        _show_feed(found["feed"])
    show_fields(
        [("engine list", f"{found['engineList']['advisories']} advisories, as of {found['engineList']['knownOn']}")]
    )
    rows = [(key["id"], key["name"], key["addedAt"]) for key in found["trustedKeys"]]
    show_table(("KEY", "NAME", "TRUSTED SINCE"), rows, empty="No key is trusted to sign a feed.")


@app.command("import")
def import_feed(
    file: Annotated[Path, typer.Argument(help="A zip of OSV entries, one entry, or one entry a line.")],
    manifest: Annotated[Path | None, typer.Option(help="The signed manifest that goes with it.")] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Take it without a manifest; this is recorded.")] = False,
    source: Annotated[str | None, typer.Option(help="Where an unsigned file comes from, for people.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Put a feed in the place of the one before. The time of an unsigned one is that of its newest entry."""
    import base64

    if (manifest is None) is not unsigned:
        raise Invalid("Name the feed's --manifest, or say --unsigned to take it without one.")
    headers = {}
    if manifest is not None:
        headers["stronghouse-manifest"] = base64.b64encode(_content(manifest)).decode()
    parameters = ({"unsigned": "true"} if unsigned else {}) | ({"source": source} if source is not None else {})
    with connect() as client:
        path = f"{organization_path(client, org)}/advisories"
        result = client.put_file(path, file, headers=headers, parameters=parameters, quiet=as_json)
    if as_json:
        show_json(result)
        return
    _show_feed(result)
    if result["unreadable"]:
        entries = counted(result["unreadable"], "entry", "entries")
        remark(f"{entries} could not be read, as {', '.join(result['unreadableNames'])}.")
    if not result["current"]:
        remark("This feed is older than 14 days: it makes nothing known to be clean.")
    remark("Components are compared at their next look; `stronghouse check` looks now.")


@app.command("trust")
def trust(
    key: Annotated[str, typer.Argument(help="A verifier key as C2SP writes it (name+hash+key); with --remove its id.")],
    remove: Annotated[bool, typer.Option("--remove", help="Trust it no longer.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Believe the feeds that a key signs, or no longer."""
    with connect() as client:
        path = f"{organization_path(client, org)}/advisories/trustedKeys"
        if remove:
            if not key.isalnum():
                raise Invalid("Name the key by its id; `stronghouse advisories status` lists them.")
            client.delete(f"{path}/{key}")
            result: dict[str, Any] = {"removed": key}
        else:
            result = client.post(path, {"verifierKey": key})
    if as_json:
        show_json(result)
    else:
        remark(f"The key {key} is trusted no longer." if remove else f"The key {result['name']} is trusted.")


def components(org: Organization = None, as_json: Json = False) -> None:
    """What runs in each place, in which version, and the advisories that affect it."""
    found: list[dict[str, Any]] = []
    with connect() as client:
        path = f"{organization_path(client, org)}/components"
        while True:
            # A page goes on behind the last one of the page before.
            after = {"cursor": f"{found[-1]['place']} {found[-1]['id']}"} if found else {}
            page = client.get(path, limit=PAGE, **after)
            found += page
            if len(page) < PAGE:
                break
    if as_json:
        show_json(found)
        return
    rows = [(one["place"], one["name"], one["version"], one["ecosystem"] or "", _advisories(one)) for one in found]
    show_table(("PLACE", "COMPONENT", "VERSION", "ECOSYSTEM", "ADVISORIES"), rows, empty="No inventory was taken yet.")
    if any(one["advisoryCount"] for one in found):
        remark("`stronghouse matrix team.vulnerabilities` says what to do.")


def _advisories(component: dict[str, Any]) -> str:
    named = ", ".join(one["id"] for one in component["advisories"][:3])
    more = component["advisoryCount"] - 3
    return f"{named} and {more} more" if more > 0 else named


def _show_feed(feed: dict[str, Any]) -> None:
    signed = f"by key {feed['signedBy']}" if feed["signed"] else "no: it was taken on someone's word"
    if feed["signed"] and not feed["trusted"]:
        signed += ", which is trusted no longer"
    entries = ", ".join(f"{count} {ecosystem}" for ecosystem, count in feed["entries"].items())
    show_fields(
        [
            ("feed time", feed["feedTime"]),
            ("current", "yes" if feed["current"] else "no"),
            ("source", feed["source"]),
            ("signed", signed),
            ("advisories", entries),
            ("other ecosystems", feed["ignored"]),
            ("could not be read", feed["unreadable"]),
            ("imported", feed["importedAt"]),
            ("sha256", feed["sha256"]),
        ]
    )


def _content(manifest: Path) -> bytes:
    try:
        content = manifest.read_bytes()
    except OSError:
        raise Invalid(f"The manifest {manifest} cannot be read.") from None
    if len(content) > MAX_MANIFEST_BYTES:
        raise Invalid(f"The manifest {manifest} is longer than 16 kB.")
    return content
