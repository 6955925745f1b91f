"""Objects of which not every value is known, so that the rules about the others are asked still.

A rule that reads what is not known ends there: what it would have said can be said once the value
is right. Rules that do not read it are not concerned.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from config.errors import Fault

Check = Callable[[Any], Iterable[Fault]]


class UnknownValueError(Exception):
    """A rule has read a value that is missing or faulty; ``every`` catches it."""


def _unknown(_: object) -> object:
    raise UnknownValueError


def partial(kind: type, members: Mapping[str, object], unknown: Iterable[str]) -> Any:
    """A ``kind``, frozen dataclass, with ``members``; reading one of ``unknown`` raises."""
    hidden = {name: property(_unknown) for name in unknown}
    made: Any = object.__new__(type(kind.__name__, (kind,), hidden))
    for name, value in members.items():
        if name not in hidden:
            object.__setattr__(made, name, value)
    return made


def as_far_as_known(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The faults, until something is read that is not known."""
    try:
        yield from faults
    except UnknownValueError:
        return


def known(items: Iterable[object], attribute: str) -> Iterator[tuple[int, Any]]:
    """The attribute of each item that has it right, with the item's index."""
    for index, item in enumerate(items):
        with contextlib.suppress(UnknownValueError):
            yield index, getattr(item, attribute)


def every(*checks: Check) -> Check:
    """One check out of several, none of which keeps another from being asked."""

    def asked(value: Any) -> Iterator[Fault]:
        for check in checks:
            yield from as_far_as_known(check(value))

    return asked
