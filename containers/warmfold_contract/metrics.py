"""The metric line: one writer, one parser, and the regex that SageMaker applies to the log.

SageMaker reads metrics from a job's stdout and stderr with one regex per metric, whose first
group is the value. The line starts with a tag that ordinary log output does not have, and the
regex is anchored. SageMaker keeps the last value of a metric, and the platform prints its lines
last. What is left is a project that prints the tag itself: the trainer passes all output but its
own through ``without_tag``.
"""

import math
import re

TAG = "#warmfold-metric#"

OBJECTIVE = "validation:score"
TRAINING_SCORE = "training:score"
SCORE_SPREAD = "validation:score_std"
FOLDS_COMPLETED = "training:folds_completed"
ROUNDS = "training:rounds"

TRIAL_METRICS = (OBJECTIVE, TRAINING_SCORE, SCORE_SPREAD, FOLDS_COMPLETED, ROUNDS)

# A decimal number: sign, fraction and exponent. `[0-9.]+`, often copied, misreads negatives.
_NUMBER = r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
_LINE = re.compile(rf"^{re.escape(TAG)} ([A-Za-z0-9:_]+)=({_NUMBER});$")


def fold_metric(fold: int) -> str:
    """Name of one fold's validation score; folds count from 1."""
    return f"validation:fold_{fold}_score"


def metric_regex(name: str) -> str:
    """The ``Regex`` of a ``MetricDefinition`` (at most 500 characters, one group)."""
    return rf"^{TAG} {name}=({_NUMBER});$"


def metric_definitions(folds: int) -> list[dict[str, str]]:
    """``MetricDefinitions`` of a trial with ``folds`` folds (SageMaker allows 40)."""
    names = [*TRIAL_METRICS, *(fold_metric(fold) for fold in range(1, folds + 1))]
    return [{"Name": name, "Regex": metric_regex(name)} for name in names]


def format_metric(name: str, value: float) -> str:
    """One metric line, without its line end. The value is written in full: no tie is made.

    Raises ``ValueError`` for NaN or infinity: what SageMaker does with them is not documented,
    so they are never printed; the trial fails instead.
    """
    if not math.isfinite(value):
        raise ValueError(f"metric {name} is {value}: only finite values are reported")
    return f"{TAG} {name}={value if isinstance(value, int) else float(value)!r};"


def without_tag(text: str) -> str:
    """The text, readable as before, with no line that a metric's regex could match."""
    return text.replace(TAG, f"{TAG[0]} {TAG[1:]}")


def parse_metric(line: str) -> tuple[str, float] | None:
    """Name and value of a metric line, or ``None`` for any other line."""
    match = _LINE.match(line.rstrip("\r\n"))
    return (match.group(1), float(match.group(2))) if match else None
