"""Reading profiles from `profiles/*.toml`. Whatever contradicts itself or the catalogue is refused at the start."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from stronghouse.kernel.errors import Internal, Invalid
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.guidance.model import CONTROL_SETTING, Desired, Profile
from stronghouse.responsibility.guidance.settings import SETTINGS

FOLDER = "profiles"
CIRCULAR = frozenset({"guidance", "findings"})
"""Controls that are proven by checks on these facts cannot be required: guidance would judge itself."""
PROFILE_FIELDS = frozenset({"title", "for", "threat", "inherits", "setting", "control"})
SETTING_FIELDS = frozenset({"value", "why", "costs", "weaker"})


def load_profiles(catalogue: Catalogue) -> Mapping[str, Profile]:
    """The profiles that come with this version, the baseline first; raises Internal where one contradicts itself."""
    texts = {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in resources.files(__package__).joinpath(FOLDER).iterdir()
        if entry.name.endswith(".toml")
    }
    return read_profiles(texts, catalogue)


def read_profiles(texts: Mapping[str, str], catalogue: Catalogue) -> Mapping[str, Profile]:
    """Profiles out of TOML texts by id.

    Raises:
        Internal: an unknown setting, control or parent, a value that a setting does not take, a profile that is weaker
            than what it inherits without saying so, a sentence that is missing, or a required control that is itself
            proven by guidance.
    """
    raw = {}
    for name, text in texts.items():
        try:
            raw[name] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Internal(f"The profile {name} is no TOML: {error}.") from error
    done: dict[str, Profile] = {}
    for name in sorted(raw, key=lambda name: ("inherits" in raw[name], name)):
        _read(name, raw, catalogue, done, waiting=())
    return done


def _read(
    name: str,
    raw: Mapping[str, dict[str, Any]],
    catalogue: Catalogue,
    done: dict[str, Profile],
    waiting: tuple[str, ...],
) -> Profile:
    if name in done:
        return done[name]
    if name not in raw or name in waiting:
        raise Internal(f"The profile {waiting[-1]} inherits {name}, which is unknown or inherits it in turn.")
    table = raw[name]
    parent = None
    if "inherits" in table:
        parent = _read(table["inherits"], raw, catalogue, done, (*waiting, name))
    _refuse_unknown(name, table, PROFILE_FIELDS)
    own = {setting: _desired(name, setting, entry, parent) for setting, entry in table.get("setting", {}).items()}
    required = {
        control: _required(name, control, entry, catalogue) for control, entry in table.get("control", {}).items()
    }
    done[name] = Profile(
        id=name,
        title=_sentence(name, table, "title"),
        audience=_sentence(name, table, "for"),
        threat=_sentence(name, table, "threat"),
        inherits=parent.id if parent else None,
        settings={**(parent.settings if parent else {}), **own},
        controls={**(parent.controls if parent else {}), **required},
    )
    return done[name]


def _desired(profile: str, setting_id: str, entry: dict[str, Any], parent: Profile | None) -> Desired:
    where = f"{profile}, {setting_id}"
    _refuse_unknown(where, entry, SETTING_FIELDS)
    setting = SETTINGS.get(setting_id)
    if setting is None:
        raise Internal(f"The profile {profile} names the unknown setting {setting_id}.")
    try:
        rule = setting.rule(entry.get("value"))
    except Invalid as error:
        raise Internal(f"The profile {where}: {error.public}") from error
    inherited = parent.settings.get(setting_id) if parent else None
    if inherited is not None:
        strict = all(own >= its for own, its in zip(rule.strictness, inherited.rule.strictness, strict=True))
        if strict == bool(entry.get("weaker", False)):
            raise Internal(f"The profile {where}: `weaker = true` must say exactly where less is asked than inherited.")
    return Desired(setting, rule, _sentence(where, entry, "why"), _sentence(where, entry, "costs"))


def _required(profile: str, control: str, entry: dict[str, Any], catalogue: Catalogue) -> str:
    where = f"{profile}, {CONTROL_SETTING} {control}"
    _refuse_unknown(where, entry, frozenset({"why"}))
    if control not in {known.id for row in catalogue.responsibilities for known in row.controls}:
        raise Internal(f"The profile {profile} requires the unknown control {control}.")
    checks = catalogue.checks_of(control)
    if any(check.meta.collector in CIRCULAR for check in checks):
        raise Internal(
            f"The profile {profile} requires {control}, which guidance itself proves: it would judge itself."
        )
    return _sentence(where, entry, "why")


def _sentence(where: str, table: dict[str, Any], field: str) -> str:
    text = table.get(field)
    if not isinstance(text, str) or not text.strip():
        raise Internal(f"The profile {where} lacks {field}.")
    return text.strip()


def _refuse_unknown(where: str, table: dict[str, Any], known: frozenset[str]) -> None:
    unknown = set(table) - known
    if unknown:
        raise Internal(f"The profile {where} has the unknown field {min(unknown)}.")
