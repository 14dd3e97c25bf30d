"""How long the results of statements were the last time, to guess whether the next one will be short."""

from collections import OrderedDict
from threading import Lock

SHORT_BYTES, LONG_BYTES = 64 << 10, 1 << 20
REMEMBERED = 4096
REMEMBERED_TEXT = 8 << 10


class Sizes:
    """Statements, by their text, whose last result was short. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._short: OrderedDict[str, None] = OrderedDict()
        self._long: OrderedDict[str, None] = OrderedDict()

    def is_short(self, text: str) -> bool:
        """Whether the last result of this statement was short; False for one that is not known."""
        return text in self._short

    def forget(self, text: str) -> None:
        """This statement's result is not short any more."""
        with self._lock:
            self._short.pop(text, None)

    def is_long(self, text: str) -> bool:
        """Whether the last result of this statement was long; False for one that is not known."""
        return text in self._long

    def note(self, text: str, size: int) -> None:
        """This statement's result had so many bytes."""
        if size > SHORT_BYTES or len(text) > REMEMBERED_TEXT:
            if text in self._short:
                self.forget(text)
            if size > LONG_BYTES and len(text) <= REMEMBERED_TEXT:
                _add(self._long, text, self._lock)
        elif text not in self._short:
            _add(self._short, text, self._lock)


def _add(texts: OrderedDict[str, None], text: str, lock: Lock) -> None:
    with lock:
        texts[text] = None
        while len(texts) > REMEMBERED:
            texts.popitem(last=False)
