"""Where files go unless somebody says otherwise: the XDG base directories of the user who runs us."""

from pathlib import Path

from stronghouse.settings.environment import variable

NAME = "stronghouse"


def configuration_directory() -> Path:
    """Keys and credentials: `$XDG_CONFIG_HOME/stronghouse`, by default `~/.config/stronghouse`."""
    return _xdg("XDG_CONFIG_HOME", Path.home() / ".config") / NAME


def state_directory() -> Path:
    """An installation's state: `$XDG_STATE_HOME/stronghouse`, by default `~/.local/state/stronghouse`."""
    return _xdg("XDG_STATE_HOME", Path.home() / ".local" / "state") / NAME


def machine_key_file() -> Path:
    """The machine key: apart from the state, since a key beside the data it protects proves nothing."""
    return configuration_directory() / "machine.key"


def _xdg(name: str, default: Path) -> Path:
    # The specification asks to ignore relative paths in these variables.
    value = variable(name)
    return Path(value) if value is not None and Path(value).is_absolute() else default
