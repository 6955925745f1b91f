"""``evaluation.json`` of a model version, typed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warmfold.errors import WarmfoldError
from warmfold.report.champion import (
    CalibrationChoice,
    Champion,
    read_calibration,
    read_champion,
)
from warmfold_contract.tasks import REGRESSION

FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class Bin:
    """One calibration bin of hold-out rows."""

    mean_score: float
    observed_rate: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What the model made of it, in the algorithm's measure: summed loss reduction and number of
    its splits in trees; variance of its part of the score and number of its weights in a linear
    model."""

    name: str
    gain: float
    splits: int


@dataclass(frozen=True, kw_only=True)
class KsCurve:
    """Share of positive and of negative rows that score at most ``score``."""

    score: tuple[float, ...]
    positive: tuple[float, ...]
    negative: tuple[float, ...]

    @property
    def widest(self) -> int:
        """Index of the largest distance between the two shares."""
        gaps = [abs(p - n) for p, n in zip(self.positive, self.negative, strict=True)]
        return gaps.index(max(gaps))


@dataclass(frozen=True, kw_only=True)
class PredictionBin:
    """Hold-out rows of a regression with similar predictions, in units of the target."""

    mean_score: float
    mean_target: float
    target_std: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class Regression:
    """``residuals``: actual less predicted at each of ``shares`` of the rows, ascending."""

    shares: tuple[float, ...]
    residuals: tuple[float, ...]
    bins: tuple[PredictionBin, ...]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """``rows`` and ``positives`` are of the hold-out; ``card`` is the model card as written.

    A regression has no classes: its curves are in ``regression``, which is ``None`` otherwise, and
    those of a classification are empty.

    The labels are the target's own words, ``positive`` and ``negative`` if the card has none;
    ``target`` is its column, empty if the card has none.

    ``champion`` and ``calibration_choice`` are ``None`` in evaluations from before there were any.
    """

    metric: str
    score: float
    metrics: Mapping[str, float]
    cv_score: float
    cv_score_std: float
    cv_training_score: float
    cv_fold_scores: tuple[float, ...]
    rows: int
    positives: int
    positive_label: str
    negative_label: str
    target: str
    roc: tuple[tuple[float, ...], tuple[float, ...]]
    precision_recall: tuple[tuple[float, ...], tuple[float, ...]]
    calibration: tuple[Bin, ...]
    ks: KsCurve
    regression: Regression | None
    champion: Champion | None
    calibration_choice: CalibrationChoice | None
    importance: tuple[Feature, ...]
    card: Mapping[str, Any]

    @property
    def positive(self) -> str:
        """The positive outcome in words that a label such as ``1`` cannot confuse."""
        return self._outcome(self.positive_label)

    @property
    def negative(self) -> str:
        return self._outcome(self.negative_label)

    def _outcome(self, label: str) -> str:
        return f'{self.target} = "{label}"' if self.target else f'"{label}"'

    @classmethod
    def from_json(cls, text: str) -> "Evaluation":
        """Raises ``WarmfoldError`` for another format or a missing member."""
        values = json.loads(text)
        if values.get("format") != FORMAT:
            raise WarmfoldError(
                f"evaluation.json has format {values.get('format')!r}, the report reads {FORMAT}: "
                "use the warmfold version that ran the pipeline"
            )
        try:
            return cls(**_members(values))
        except (KeyError, TypeError) as error:
            raise WarmfoldError(f"evaluation.json is incomplete: {error}") from error


def _members(values: dict[str, Any]) -> dict[str, Any]:
    cv = values["cross_validation"]
    labels = values["card"].get("data", {})
    curves = _of_numbers if values["task"] == REGRESSION else _of_classes
    return {
        "metric": values["metric"],
        "score": float(values["score"]),
        "metrics": {name: float(value) for name, value in values["metrics"].items()},
        "cv_score": float(cv["score"]),
        "cv_score_std": float(cv["score_std"]),
        "cv_training_score": float(cv["training_score"]),
        "cv_fold_scores": tuple(cv["fold_scores"]),
        "rows": int(values["rows"]["holdout"]),
        "positives": int(values["rows"].get("positive", 0)),
        "positive_label": str(labels.get("positive_label", "positive")),
        "target": str(labels.get("target", "")),
        "negative_label": str(labels.get("negative_label", "negative")),
        **curves(values["curves"]),
        "champion": read_champion(values.get("champion")),
        "calibration_choice": read_calibration(values.get("calibration"), cv),
        "importance": tuple(
            Feature(name=f["feature"], gain=f["gain"], splits=f["splits"])
            for f in values["importance"]
        ),
        "card": values["card"],
    }


def _of_classes(curves: dict[str, Any]) -> dict[str, Any]:
    return {
        "roc": (tuple(curves["roc"]["fpr"]), tuple(curves["roc"]["tpr"])),
        "precision_recall": (
            tuple(curves["precision_recall"]["recall"]),
            tuple(curves["precision_recall"]["precision"]),
        ),
        "calibration": tuple(
            Bin(mean_score=b["mean_score"], observed_rate=b["observed_rate"], rows=b["rows"])
            for b in curves["calibration"]
        ),
        "ks": KsCurve(
            score=tuple(curves["ks"]["score"]),
            positive=tuple(curves["ks"]["positive"]),
            negative=tuple(curves["ks"]["negative"]),
        ),
        "regression": None,
    }


def _of_numbers(curves: dict[str, Any]) -> dict[str, Any]:
    residuals, bins = curves["residuals"], curves["predicted_actual"]
    return {
        "roc": ((), ()),
        "precision_recall": ((), ()),
        "calibration": (),
        "ks": KsCurve(score=(), positive=(), negative=()),
        "regression": Regression(
            shares=tuple(residuals["quantile"]),
            residuals=tuple(residuals["residual"]),
            bins=tuple(PredictionBin(**bin) for bin in bins),
        ),
    }
