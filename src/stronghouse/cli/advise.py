"""`stronghouse advise`: profiles of settings, how far they are followed, and what it would cost to follow them."""

from typing import Annotated, Any

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.confirmation import confirm
from stronghouse.cli.dates import checked_moment
from stronghouse.cli.failures import Json
from stronghouse.cli.output import counted, for_people, printable, remark, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.errors import Conflict, Invalid


def advise(
    profile: Annotated[str | None, typer.Argument(help="The profile; without one all are listed.")] = None,
    acts: Annotated[list[str] | None, typer.Argument(help="With --apply: only these, as SETTING/RESOURCE.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Apply what can be applied; the rest becomes tasks.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --apply: do not ask.")] = False,
    choose: Annotated[bool, typer.Option("--choose", help="Adopt the profile.")] = False,
    decline: Annotated[str | None, typer.Option(help="Decline this SETTING or SETTING/RESOURCE.")] = None,
    reason: Annotated[str | None, typer.Option(help="With --decline: why.")] = None,
    until: Annotated[str | None, typer.Option(help="With --decline: until when, as 2027-01-31T00:00:00Z.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Compare the settings with a profile, show what would change and who would lose access, and apply it."""
    if sum((apply, choose, decline is not None)) > 1:
        raise Invalid("Choose one of --apply, --choose and --decline.")
    if acts and not apply:
        raise Invalid("Name single acts together with --apply.")
    with connect() as client:
        path = f"{organization_path(client, org)}/guidance"
        if profile is None:
            if apply or choose or decline is not None:
                raise Invalid("Name the profile; `stronghouse advise` lists them.")
            _list(client.get(path), as_json=as_json)
        elif choose:
            _choose(client.put(path, {"profile": profile}), as_json=as_json)
        elif decline is not None:
            if reason is None or until is None:
                raise Invalid("Say why and until when with --reason and --until.")
            body = {"advice": decline, "reason": reason, "until": checked_moment("--until", until)}
            _declined(client.post(f"{path}/{_word(profile)}/declined", body), as_json=as_json)
        else:
            document = client.get(f"{path}/{_word(profile)}")
            if apply:
                _apply(client, f"{path}/{_word(profile)}/apply", document, acts or [], yes=yes, as_json=as_json)
            else:
                _show(document, as_json=as_json)


def _list(guidance: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(guidance)
        return
    chosen = (guidance["chosen"] or {}).get("profile")
    rows = [("*" if one["id"] == chosen else "", one["id"], one["for"], one["threat"]) for one in guidance["profiles"]]
    show_table(("", "PROFILE", "FOR", "AGAINST"), rows, empty="There are no profiles.")
    remark(f"Chosen: {chosen}." if chosen else "None was chosen; adopt one with `stronghouse advise PROFILE --choose`.")


def _choose(choice: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(choice)
    else:
        remark(f"The profile {choice['profile']} is chosen.")


def _declined(declined: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(declined)
    else:
        remark(f"{printable(declined['advice'])} is declined until {for_people(declined['until'])}.")


def _show(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(document)
        return
    profile = document["profile"]
    typer.echo(f"{profile['title']}: {profile['for']}\nAnswers: {profile['threat']}\n")
    for difference in document["differences"]:
        _show_difference(difference)
    counts = ", ".join(f"{count} {state}" for state, count in document["summary"].items() if count)
    remark(f"{counts or 'Nothing to compare'}.{'' if document['chosen'] else ' This profile is not the chosen one.'}")


def _show_difference(difference: dict[str, Any]) -> None:
    lines = [
        f"{difference['id']}  [{difference['severity']}, {difference['state']}]",
        f"  {difference['name']}: {difference['is']}",
        f"  wanted: {difference['wanted']}",
        f"  why: {difference['why']}",
        f"  costs: {difference['costs']}",
    ]
    plan = difference["plan"]
    if plan is None:
        lines.append(f"  a person has to: {difference['remediation']}")
    else:
        lines += [f"  plan: {_state(plan['before'])} -> {_state(plan['after'])}"]
        lines += [f"  loses: {lost}" for lost in plan["loses"]]
        if plan["refusedBecause"] is not None:
            lines.append(f"  not by you: {plan['refusedBecause']}")
    if difference["declined"] is not None:
        lines.append(
            f"  declined until {for_people(difference['declined']['until'])}: {difference['declined']['reason']}"
        )
    typer.echo("\n".join(printable(line) for line in lines) + "\n")


def _state(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return ", ".join(entry["source"] for entry in value) or "nobody"
    if isinstance(value, dict):
        return str(value["state"])
    return "never" if value is None else str(value)


def _apply(
    client: ApiClient, path: str, document: dict[str, Any], wanted: list[str], *, yes: bool, as_json: bool
) -> None:
    planned = {one["id"]: one for one in document["differences"] if one["plan"] is not None}
    if wanted:
        unknown = [act for act in wanted if act not in planned]
        if unknown:
            raise Conflict(f"{unknown[0][:200]!r} is no open act of this profile.", code="act_unknown")
        chosen = [planned[act] for act in dict.fromkeys(wanted)]
    else:
        chosen = [
            one for one in planned.values() if one["plan"]["refusedBecause"] is None and one["state"] != "declined"
        ]
    if chosen and not yes:
        _confirm(chosen)
    acts = [{"id": one["id"], "before": one["plan"]["beforeHash"]} for one in chosen]
    result = client.post(path, {"acts": acts, "tasks": not wanted})
    if as_json:
        show_json(result)
        return
    for act in result["acts"]:
        typer.echo(printable(f"{'changed' if act['changed'] else 'was so already'}: {act['id']}"))
    for task in result["tasksOpened"]:
        typer.echo(printable(f"task opened: {task}"))
    if not chosen:
        remark("There is nothing that Stronghouse can apply.")
    opened = counted(len(result["tasksOpened"]), "task")
    remark(f"{counted(len(result['acts']), 'act')}, {opened} opened, {result['tasksClosed']} closed.")


def _confirm(chosen: list[dict[str, Any]]) -> None:
    for one in chosen:
        plan = one["plan"]
        lost = " ".join(plan["loses"])
        remark(printable(f"{one['id']}: {_state(plan['before'])} -> {_state(plan['after'])}. {lost}"))
    these = "this act" if len(chosen) == 1 else f"these {len(chosen)} acts"
    confirm(f"Apply {these} and open tasks for people as needed?")


def _word(profile: str) -> str:
    """A profile's id may become part of a path; anything else is none."""
    if not profile.replace("-", "").isalnum():
        raise Invalid(f"There is no profile {profile[:64]!r}.", code="profile_unknown")
    return profile
