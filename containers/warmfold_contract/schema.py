"""The raw columns a project declares and the features it makes, as stored beside the data."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["number", "category"]


@dataclass(frozen=True)
class Column:
    """A raw input column: ``number`` (blank = missing) or ``category`` (text)."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Feature:
    """A model input. ``levels`` are the known texts of a category, in code order.

    A category reaches the model as the index of its level; a text that is not among the levels,
    like a missing one, is NaN.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What a request row holds, and what the model is given in which order."""

    columns: tuple[Column, ...]
    features: tuple[Feature, ...]
    target: str
    positive_label: str
    negative_label: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Schema":
        return cls(
            columns=tuple(Column(c["name"], c["kind"]) for c in values["columns"]),
            features=tuple(
                Feature(f["name"], f["kind"], tuple(f["levels"])) for f in values["features"]
            ),
            target=values["target"],
            positive_label=values["positive_label"],
            negative_label=values["negative_label"],
        )
