"""A tree of places where privileges are held: everything, a database, a table, a column; or everything, a name.

A place has the privileges held there and those held WITH GRANT OPTION, as sets of bits. A place that is not in the tree
has what the one above has, as far as it can be granted there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

Path = tuple[str, ...]
Edit = Callable[["Place", int], None]
"""What to do with a place; the second argument is what can be granted there."""


@dataclass(slots=True)
class Place:
    """A place: `held` and `grantable` are sets of privileges, `below` are places that differ from this one."""

    held: int = 0
    grantable: int = 0
    below: dict[str, "Place"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a place has other than the one above it: each set is what was added to or taken from it."""

    path: Path
    revoked: int
    revoked_option: int
    granted: int
    granted_with_option: int

    def joined(self, other: "Difference") -> "Difference":
        """This and the difference of the same place in another tree."""
        return Difference(
            self.path,
            self.revoked | other.revoked,
            self.revoked_option | other.revoked_option,
            self.granted | other.granted,
            self.granted_with_option | other.granted_with_option,
        )


class GrantTree:
    """A tree and, per depth, what can be granted there. Whoever gets one does not edit it any more."""

    __slots__ = ("masks", "top")

    def __init__(self, masks: tuple[int, ...], top: Place | None = None) -> None:
        self.masks = masks
        self.top = top or Place()

    def edit(self, path: Sequence[str], edit: Edit) -> None:
        """Apply `edit` at `path` and at all places below it that are in the tree."""
        place, passed = self.top, [self.top]
        for depth, name in enumerate(path, 1):
            if name not in place.below:
                place.below[name] = self._inherited(place, depth)
            place = place.below[name]
            passed.append(place)
        self._edit(place, len(path), edit)
        for depth in range(len(path), 0, -1):
            self._forget(passed[depth - 1], path[depth - 1], depth)

    def _edit(self, place: Place, depth: int, edit: Edit) -> None:
        edit(place, self.masks[depth])
        for name in list(place.below):
            self._edit(place.below[name], depth + 1, edit)
            self._forget(place, name, depth + 1)

    def _forget(self, above: Place, name: str, depth: int) -> None:
        """Take a place out of the tree that has nothing of its own any more."""
        place, mask = above.below[name], self.masks[depth]
        if not place.below and place.held == above.held & mask and place.grantable == above.grantable & mask:
            del above.below[name]

    def _inherited(self, above: Place, depth: int) -> Place:
        return Place(above.held & self.masks[depth], above.grantable & self.masks[depth])

    def at(self, path: Sequence[str]) -> Place:
        """The place at `path`."""
        place = self.top
        for depth, name in enumerate(path, 1):
            place = place.below.get(name) or self._inherited(place, depth)
        return place

    def covers(self, path: Sequence[str], bits: int, *, option: bool) -> bool:
        """Whether all of `bits` that can be granted at `path` are held there and everywhere below."""
        return self._covers(self.at(path), len(path), bits, option=option)

    def _covers(self, place: Place, depth: int, bits: int, *, option: bool) -> bool:
        wanted = bits & self.masks[depth]
        if wanted & ~(place.grantable if option else place.held):
            return False
        return all(self._covers(below, depth + 1, wanted, option=option) for below in place.below.values())

    def touches(self, path: Sequence[str], bits: int) -> bool:
        """Whether any of `bits` is held at `path` or somewhere below."""
        return self._touches(self.at(path), bits)

    def _touches(self, place: Place, bits: int) -> bool:
        return bool(place.held & bits) or any(self._touches(below, bits) for below in place.below.values())

    def combined(self, other: "GrantTree", operation: Callable[[int, int], int]) -> "GrantTree":
        """A tree with `operation` done at each place of either."""
        return GrantTree(self.masks, self._combined(self.top, other.top, 0, operation))

    def _combined(self, one: Place, two: Place, depth: int, operation: Callable[[int, int], int]) -> Place:
        made = Place(operation(one.held, two.held), operation(one.grantable, two.grantable))
        for name in one.below.keys() | two.below.keys():
            left = one.below.get(name) or self._inherited(one, depth + 1)
            right = two.below.get(name) or self._inherited(two, depth + 1)
            made.below[name] = self._combined(left, right, depth + 1, operation)
            self._forget(made, name, depth + 1)
        return made

    def copy(self) -> "GrantTree":
        """Another tree with the same places, to edit."""
        return self.combined(GrantTree(self.masks), lambda one, _: one)

    def differences(self) -> Iterator[Difference]:
        """What each place has other than the one above it, from the top down and by name."""
        yield from self._differences((), self.top, Place())

    def _differences(self, path: Path, place: Place, above: Place) -> Iterator[Difference]:
        mask = self.masks[len(path)]
        held, grantable = above.held & mask, above.grantable & mask
        revoked = held & ~place.held
        with_option = place.grantable & ~grantable
        yield Difference(
            path,
            revoked=revoked,
            revoked_option=grantable & ~place.grantable & ~revoked,
            granted=place.held & ~held & ~with_option,
            granted_with_option=with_option,
        )
        for name in sorted(place.below):
            yield from self._differences((*path, name), place.below[name], place)
