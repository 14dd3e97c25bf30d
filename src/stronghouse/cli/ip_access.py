"""What a change of a service's IP access list would do: `stronghouse service update --dry-run`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stronghouse.cli.client import ApiClient
from stronghouse.cli.output import counted, remark, show_json, show_table
from stronghouse.kernel.errors import Unavailable

if TYPE_CHECKING:
    from stronghouse.access.model import Source
    from stronghouse.services.access_preview import Preview
    from stronghouse.services.connections import ConnectedClient


def show_change(
    client: ApiClient,
    place: str,
    current: Sequence[dict[str, str]],
    *,
    add: Sequence[dict[str, str]],
    remove: Sequence[dict[str, str]],
    as_json: bool,
) -> None:
    """Print what would be added and removed, and who of those that are connected would be cut off."""
    from stronghouse.services.access_preview import preview
    from stronghouse.services.requests import changed_sources

    before = _sources(current)
    after = changed_sources(before, add=_sources(add), remove=tuple(entry["source"] for entry in remove))
    effect = preview(before, after, own_address=None, connected=_connected(client, place))
    if as_json:
        show_json(_fields(effect))
        return
    show_table(("CHANGE", "ENTRY", "DESCRIPTION"), _rows(effect), empty="The list says so already.")
    for sentence in _sentences(effect):
        remark(sentence)
    remark("Nothing was changed; leave --dry-run out to do it.")


def _sources(entries: Sequence[dict[str, str]]) -> "tuple[Source, ...]":
    from stronghouse.access.model import Source

    return tuple(Source(entry["source"], entry["description"]) for entry in entries)


def _connected(client: ApiClient, place: str) -> "list[ConnectedClient] | None":
    from stronghouse.services.connections import ConnectedClient

    try:
        found = client.get(f"{place}/connections")
    except Unavailable as error:
        remark(error.public)
        return None
    if not found["complete"]:
        remark(f"Looked at: the {len(found['connections'])} addresses with the most connections, not all of them.")
    return [ConnectedClient(entry["address"], entry["connections"]) for entry in found["connections"]]


def _fields(effect: "Preview") -> dict[str, Any]:
    """For scripts; `cuts_off` is null when nobody could tell who is connected."""
    fields = asdict(effect)
    if not fields.pop("connected_known"):
        fields["cuts_off"] = None
    del fields["locks_out_self"]  # the API does not tell a key from where it is used
    return fields


def _rows(effect: "Preview") -> Iterator[tuple[str, str, str]]:
    yield from (("add", entry.source, entry.description) for entry in effect.added)
    yield from (("remove", entry.source, entry.description) for entry in effect.removed)
    yield from (("describe", entry.source, f"{entry.after} (was: {entry.before})") for entry in effect.changed)


def _sentences(effect: "Preview") -> Iterator[str]:
    if effect.closed:
        yield "Nobody could connect any more."
    if effect.opens_to_everyone:
        yield f"The list would be as good as open to everyone: {', '.join(effect.opens_to_everyone)}."
    for one in effect.cuts_off:
        yield f"Cut off: {one.address}, with {counted(one.connections, 'connection')} now."
    if effect.connected_known and not effect.cuts_off:
        yield "Nobody who is connected would be cut off."
