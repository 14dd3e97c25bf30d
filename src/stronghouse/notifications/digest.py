"""The words of a message: plain text, the worst first, and an honest line about what was left out."""

from collections.abc import Sequence

from stronghouse.notifications.model import ORDER, Channel, Notice

MAX_NOTICES = 20
MAX_LINE = 520


def wanted(channel: Channel, notices: Sequence[Notice]) -> list[Notice]:
    """What a channel is to be told, the worst first; of several notices about one thing the newest.

    What happened before the channel was created is not told.
    """
    newest: dict[str, Notice] = {}
    for notice in sorted(notices, key=lambda one: one.at):
        newest[notice.key] = notice
    least = ORDER.index(channel.minimum_severity)
    told = [
        one
        for one in newest.values()
        if one.at >= channel.created_at and one.kind in channel.kinds and ORDER.index(one.level) <= least
    ]
    return sorted(told, key=lambda one: (ORDER.index(one.level), one.at, one.key))


def compose(notices: Sequence[Notice]) -> tuple[str, str]:
    """Title and body of a message about these notices."""
    count = len(notices)
    title = f"Stronghouse: {notices[0].title}" if count == 1 else f"Stronghouse: {count} changes"
    parts = [_paragraph(notice) for notice in notices[:MAX_NOTICES]]
    if count > MAX_NOTICES:
        parts.append(f"… and {count - MAX_NOTICES} more: `stronghouse matrix` shows the present state.")
    return _line(title), "\n\n".join(parts)


def _paragraph(notice: Notice) -> str:
    lines = [f"[{notice.level.value}] {notice.title}", notice.reason]
    if notice.fix:
        lines.append(f"What to do: {notice.fix}")
    lines.append(f"See: {notice.path}")
    return "\n".join(_line(line) for line in lines if line)


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:MAX_LINE]
