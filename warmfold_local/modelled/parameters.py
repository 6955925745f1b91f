"""A figure that a model rests on, with where it comes from; nothing is modelled without one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


class ParameterError(ValueError):
    """A setting that cannot be used; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """``value`` is a number, or a name (an instance type). ``dated``: of the source, YYYY-MM."""

    name: str
    value: float | str
    unit: str
    source: str
    dated: str

    @property
    def number(self) -> float:
        """Raises ``ParameterError`` for a name."""
        if isinstance(self.value, str):
            raise ParameterError(f"{self.name} is {self.value!r}, which is not a number")
        return self.value

    @property
    def whole(self) -> int:
        """Raises ``ParameterError`` for a fraction."""
        if self.number != int(self.number):
            raise ParameterError(f"{self.name} is {self.number:g}, which is not a whole number")
        return int(self.number)


Parameters = Mapping[str, Parameter]


def by_name(*groups: Iterable[Parameter]) -> dict[str, Parameter]:
    """Later groups replace what earlier ones say."""
    return {parameter.name: parameter for group in groups for parameter in group}


def with_settings(parameters: Parameters, settings: Mapping[str, str]) -> dict[str, Parameter]:
    """The parameters with a user's ``name=value`` settings; a number stays a number, and >= 0.

    Raises ``ParameterError`` naming the setting.
    """
    changed = dict(parameters)
    for name, text in settings.items():
        known = parameters.get(name)
        if known is None:
            raise ParameterError(f"no parameter is called {name}; there are {_names(parameters)}")
        value = text if isinstance(known.value, str) else _number(name, text)
        changed[name] = replace(known, value=value, source="set by the user", dated="now")
    return changed


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ParameterError(f"{name}={text}: not a number") from error
    if not 0 <= value < float("inf"):
        raise ParameterError(f"{name}={text}: must be 0 or more, and finite")
    return value


def _names(parameters: Parameters) -> str:
    prices = sum(name.startswith("price.") for name in parameters)
    others = ", ".join(name for name in sorted(parameters) if not name.startswith("price."))
    return f"{others}, and {prices} of the form price.INSTANCE_TYPE"
