"""The raw columns a project declares and the features it makes, as stored beside the data."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Kind = Literal["number", "category", "date", "money"]
KINDS: tuple[str, ...] = get_args(Kind)
FeatureKind = Literal["number", "category"]

# The name of the feature set that ``Project.features`` makes.
DEFAULT_FEATURE_SET = "default"


@dataclass(frozen=True)
class Column:
    """A raw input column; blank text and null are missing in each kind.

    ``number`` and ``money`` become float64, ``date`` (ISO 8601 text) float64 days since 1970-01-01
    in UTC, ``category`` text. Money is read as its column declares: ``decimal`` is its decimal
    sign, ``.`` or ``,``; ``currency`` (``$``, ``EUR``) may stand before or after each amount.
    """

    name: str
    kind: Kind
    decimal: str = "."
    currency: str = ""


@dataclass(frozen=True)
class Feature:
    """A model input. ``levels`` are the known texts of a category, in code order.

    A category reaches the model as the index of its level; a text that is not among the levels,
    like a missing one, is NaN.
    """

    name: str
    kind: FeatureKind
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What a request row holds, and what the model is given in which order.

    The labels are empty for a regression. ``feature_set`` names the project's function.
    """

    columns: tuple[Column, ...]
    features: tuple[Feature, ...]
    target: str
    positive_label: str
    negative_label: str
    feature_set: str = DEFAULT_FEATURE_SET

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Schema":
        """Raises ``KeyError`` or ``TypeError`` for another form."""
        return cls(
            columns=tuple(Column(**column) for column in values["columns"]),
            features=tuple(
                Feature(f["name"], f["kind"], tuple(f["levels"])) for f in values["features"]
            ),
            target=values["target"],
            positive_label=values["positive_label"],
            negative_label=values["negative_label"],
            feature_set=values["feature_set"],
        )
