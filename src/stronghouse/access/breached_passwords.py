"""Whether a password is one that attackers try first: known from breaches, or put together from such and own words.

The list is shipped, so that no password, nor a part of its hash, leaves the machine. `breached_passwords.txt.gz` holds
55,507 passwords in lower case, made by `scripts/make-breached-passwords` from the lists of @zxcvbn-ts/language-common
(MIT) and Django (BSD-3-Clause); `breached_passwords_licences.txt` holds their licences. Few entries are as long as a
password must be. What people do to reach the length and the classes is what attackers' rules do as well, so a password
is taken apart: one or two words of the list, in any case and with letters replaced (`P@ssw0rd`), repetitions, runs on a
keyboard, years, and a few characters more. If that is all of it, it is refused.
"""

import functools
import gzip
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

LIST = Path(__file__).with_name("breached_passwords.txt.gz")
WORDS_ALLOWED = 2  # three words are not tried in all combinations
MORE_ALLOWED, LETTER, OTHER = 8, 3, 1  # what may be beside them: two letters, or eight other characters, or a mixture
REPEATED_AT_LEAST = 12  # what is repeated must be long enough by itself
SHORTEST_WORD, LONGEST_WORD, SHORTEST_RUN = 4, 32, 3
LOOKED_AT = 64  # the first so many characters: the time it takes is bounded
_MEANT = str.maketrans("@48305$71!|l", "aabeosstiiii")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()",
)
_RUNS = tuple(row[::step] for row in _ROWS for step in (1, -1))
_YEAR = re.compile(r"(?:19|20)\d\d")


@functools.cache
def breached_passwords() -> frozenset[str]:
    """The list, each entry as `skeleton` makes it; read once, when somebody first sets a password."""
    entries = gzip.decompress(LIST.read_bytes()).decode("ascii").splitlines()
    return frozenset(skeleton(entry) for entry in entries)


def folded(text: str) -> str:
    """`text` without case, and without wide or narrow forms of letters."""
    return unicodedata.normalize("NFKC", text).casefold()


def skeleton(text: str) -> str:
    """Folded text with one letter for all that are put in its place: `pa$$w0rd`, `passw0rd` and `password` are one."""
    return text.translate(_MEANT)


def is_predictable(password: str, *, own_words: Iterable[str] = ()) -> bool:
    """Whether the password is on the list, or nothing but a variation of what is.

    Args:
        password: as it was typed.
        own_words: folded words that count as if they were on the list, any number of them.
    """
    text = folded(password)
    once = _without_repetition(text)
    if once != text and len(once) < REPEATED_AT_LEAST:
        return True
    own = frozenset(skeleton(word) for word in own_words)
    return _is_put_together(once[:LOOKED_AT], own)


def _without_repetition(text: str) -> str:
    """`text`, or the shorter text of which it is a repetition."""
    return text[: (text + text).find(text, 1)]


def _is_put_together(text: str, own_words: frozenset[str]) -> bool:
    """Whether words, runs and repetitions cover all of `text` but a few characters.

    It goes through the text from the left and keeps, for each set of words used so far, the least that was left over.
    """
    reached: list[dict[frozenset[str], int]] = [{} for _ in range(len(text) + 1)]
    reached[0][frozenset()] = 0
    for start in range(len(text)):
        parts = [*_parts(text, start, own_words)]
        for used, left_over in _best(reached[start]):
            for end, word, cost in parts:
                words, total = used | word, left_over + cost
                better = total < reached[end].get(words, MORE_ALLOWED + 1)
                if better and len(words) <= WORDS_ALLOWED:
                    reached[end][words] = total
    return bool(reached[-1])


def _best(states: dict[frozenset[str], int]) -> list[tuple[frozenset[str], int]]:
    """The states that no other makes needless, by fewer words and no more left over."""
    needed: list[tuple[frozenset[str], int]] = []
    for used, left_over in sorted(states.items(), key=lambda state: (len(state[0]), state[1])):
        if not any(fewer <= used and less <= left_over for fewer, less in needed):
            needed.append((used, left_over))
    return needed


def _parts(text: str, start: int, own_words: frozenset[str]) -> Iterator[tuple[int, frozenset[str], int]]:
    """What can stand at `start`: where it ends, the word of the list that it is, and what it leaves over."""
    yield start + 1, frozenset(), LETTER if text[start].isalpha() else OTHER
    if _YEAR.match(text, start):
        yield start + 4, frozenset(), 0
    for end in range(start + SHORTEST_RUN, min(len(text), start + LONGEST_WORD) + 1):
        piece = text[start:end]
        word = skeleton(piece)
        runs_on = piece in text[:start] or len(set(piece)) == 1 or any(piece in run for run in _RUNS)
        if runs_on or word in own_words:
            yield end, frozenset(), 0
        elif len(word) >= SHORTEST_WORD and word in breached_passwords():
            yield end, frozenset({word}), 0
