"""``champion`` and ``calibration`` of ``evaluation.json``: the new model against the approved one,
and what was done to its scores; both as one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from warmfold.errors import WarmfoldError

_STATUSES = ("none", "lost", "not_comparable", "compared")
_METHODS = {"none": "none", "platt": "Platt's", "isotonic": "isotonic"}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both on the same hold-out rows. ``difference`` is the new model's metric less the other's,
    with its 95 % ``interval`` (``None``: too few rows for one).

    ``clean`` is false if the approved version may have been trained on some of these rows.
    """

    score: float
    difference: float
    interval: tuple[float, float] | None
    clean: bool


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The latest approved version when the run was evaluated. ``version`` is ``None`` if the
    evaluation does not say; ``compared`` is ``None`` unless ``status`` is ``compared``."""

    status: str
    version: int | None
    reason: str
    compared: Comparison | None


@dataclass(frozen=True, kw_only=True)
class CalibrationChoice:
    """``log_losses``: each method's mean over the folds, fitted on the others; empty if the
    evaluation does not say. ``rows`` is how many out-of-fold rows chose, 0 likewise."""

    method: str
    rows: int
    log_losses: Mapping[str, float] = field(default_factory=dict)


def read_champion(values: Mapping[str, Any] | None) -> Champion | None:
    """``None`` of a run that is older than the comparison. Raises ``WarmfoldError`` for a status
    that is not known, ``KeyError`` for a missing member."""
    if values is None:
        return None
    status = values["status"]
    if status not in _STATUSES:
        raise WarmfoldError(
            f"evaluation.json has champion status {status!r}, the report reads "
            f"{', '.join(_STATUSES)}: use the warmfold version that ran the pipeline"
        )
    version = values.get("version")
    return Champion(
        status=status,
        version=None if version is None else int(version),
        reason=str(values.get("reason", "")),
        compared=_comparison(values) if status == "compared" else None,
    )


def _comparison(values: Mapping[str, Any]) -> Comparison:
    interval = values["interval"]
    return Comparison(
        score=float(values["score"]),
        difference=float(values["difference"]),
        interval=None if interval is None else (float(interval[0]), float(interval[1])),
        clean=bool(values["clean"]),
    )


def read_calibration(
    values: Mapping[str, Any] | None, cross_validation: Mapping[str, Any]
) -> CalibrationChoice | None:
    """``None`` of a regression, and of a run that is older than calibration."""
    if values is None:
        return None
    out_of_fold = cross_validation.get("out_of_fold", {})
    losses = out_of_fold.get("log_loss_by_calibration")
    return CalibrationChoice(
        method=str(values["method"]),
        rows=int(out_of_fold.get("rows", 0)),
        log_losses={} if losses is None else {n: float(loss) for n, loss in losses.items()},
    )


def champion_sentence(champion: Champion | None, metric: str, *, maximize: bool) -> str:
    """``metric`` as people write it; empty of an older run."""
    if champion is None:
        return ""
    if champion.compared is not None:
        return _compared(_name(champion), champion.compared, metric, maximize=maximize)
    if champion.status == "none":
        return "No version was approved when the model was evaluated: there is no comparison."
    if champion.status == "lost":
        return f"The model was not compared with {_name(champion)}: its artifact has been deleted."
    return f"The model was not compared with {_name(champion)}: {champion.reason}."


def _name(champion: Champion) -> str:
    if champion.version is None:
        return "the latest approved version"
    return f"version {champion.version} (the latest approved one at the time)"


def _compared(name: str, compared: Comparison, metric: str, *, maximize: bool) -> str:
    return (
        f"On the same hold-out rows {metric} of {name} is {compared.score:.4f}: the new model is "
        f"{verdict(compared, maximize=maximize)}."
        + _certainty(compared.interval)
        + (
            ""
            if compared.clean
            else " That version is of other data or another split: it may have been trained on "
            "some of these rows, which flatters it."
        )
    )


def verdict(compared: Comparison, *, maximize: bool) -> str:
    """``better by 0.0111 (difference +0.0111, 95 % interval +0.0020 to +0.0202)``."""
    gain = compared.difference if maximize else -compared.difference
    size = f"{abs(gain):.4f}"
    word = "better by" if gain > 0 else "worse by"
    said = "as good" if gain == 0 else f"{word} {size}"
    if compared.interval is None:
        return f"{said} (difference {compared.difference:+.4f})"
    low, high = compared.interval
    return (
        f"{said} (difference {compared.difference:+.4f}, 95 % interval {low:+.4f} to {high:+.4f})"
    )


def _certainty(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return " The rows are too few for an interval."
    if interval[0] <= 0 <= interval[1]:
        return " The interval includes 0: these rows do not tell the two apart."
    return ""


def choice_sentence(choice: CalibrationChoice | None) -> str:
    """Which calibration the scores went through, and by what it was chosen; empty if none can."""
    if choice is None:
        return ""
    if choice.method == "none":
        said = "The scores are as the model gives them: no calibration was chosen."
    else:
        said = f"The scores are calibrated ({_METHODS.get(choice.method, choice.method)} method)."
    if not choice.log_losses:
        return said
    losses = ", ".join(f"{_METHODS.get(n, n)} {loss:.4f}" for n, loss in choice.log_losses.items())
    return (
        f"{said} Mean log loss over the folds, on {choice.rows:,} out-of-fold rows, by "
        f"calibration: {losses}; a more complex one is taken only if it is lower by more than one "
        "standard error."
    )
