"""How long the results of statements were the last time, to guess whether the next one will be short."""

from collections import OrderedDict
from threading import Lock

SHORT_BYTES = 64 << 10
REMEMBERED = 4096
REMEMBERED_TEXT = 8 << 10


class Sizes:
    """Statements, by their text, whose last result was short. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._short: OrderedDict[str, None] = OrderedDict()

    def is_short(self, text: str) -> bool:
        """Whether the last result of this statement was short; False for one that is not known."""
        return text in self._short

    def forget(self, text: str) -> None:
        """This statement's result is not short any more."""
        with self._lock:
            self._short.pop(text, None)

    def note(self, text: str, size: int) -> None:
        """This statement's result had so many bytes."""
        if size > SHORT_BYTES or len(text) > REMEMBERED_TEXT:
            if text in self._short:
                self.forget(text)
        elif text not in self._short:
            with self._lock:
                self._short[text] = None
                while len(self._short) > REMEMBERED:
                    self._short.popitem(last=False)
