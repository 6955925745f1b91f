"""Hyperparameters as SageMaker hands them over: a flat map of strings.

Automatic model tuning adds ``_tuning_objective_metric``; the SageMaker SDK's estimators
JSON-quote strings. Both are accepted here, and nowhere else.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from warmfold_contract.documents import json_object

# Every key of the platform's begins with this, so that none is taken for an algorithm's.
PLATFORM_PREFIX = "warmfold_"

# Set by the platform in static hyperparameters, never tuned. In every mode:
MODE = "warmfold_mode"
METRIC = "warmfold_metric"
SEED = "warmfold_seed"
# What is trained (trial, fold, search). The direction is given for a project's own metric only.
ALGORITHM = "warmfold_algorithm"
TASK = "warmfold_task"
FEATURE_SET = "warmfold_feature_set"
DIRECTION = "warmfold_direction"
# How a trial runs its folds, and whether a hopeless one stops early: RACING_OFF, or how many
# standard errors behind the incumbent is hopeless. Other trials' fold scores are shared
# below INCUMBENTS_URI, an S3 prefix of one tuning job; absent when trials are not raced.
CV_STRATEGY = "warmfold_cv_strategy"
RACING = "warmfold_racing"
INCUMBENTS_URI = "warmfold_incumbents_uri"
# Only with CV_FAN_OUT; FOLD_OWN is "1" when the trial trains the first fold itself, else "0".
FOLD_ROLE_ARN = "warmfold_fold_role_arn"
FOLD_KEEP_ALIVE_SECONDS = "warmfold_fold_keep_alive_seconds"
FOLD_WAVE = "warmfold_fold_wave"
FOLD_OWN = "warmfold_fold_own"
# Only of a fold's job: its number, counted from 1.
FOLD = "warmfold_fold"
# Only of a search. The strategy is SageMaker's word, Bayesian or Random; a range is
# `warmfold_range_<hyperparameter>` = JSON of "kind", "minimum", "maximum", "values", "scaling".
CANDIDATE = "warmfold_candidate"
STRATEGY = "warmfold_strategy"
MAX_TRIALS = "warmfold_max_trials"
# "true" or "false": whether the search ends when nothing is left to gain.
STOPS_WHEN_CONVERGED = "warmfold_stops_when_converged"
RANGE_PREFIX = "warmfold_range_"

# How many of these keys a job has at most, beside one range each that a search has.
MAX_PLATFORM_KEYS = 14

# Characters of one value (API reference, CreateTrainingJob, HyperParameters).
MAX_VALUE_LENGTH = 2500

MODE_TRIAL = "trial"
MODE_FOLD = "fold"
MODE_SEARCH = "search"
MODE_FINAL = "final"
CV_IN_JOB = "in_job"
CV_FAN_OUT = "fan_out"
RACING_OFF = "off"

_RESERVED_PREFIXES = ("_tuning_", "sagemaker_")


def read_hyperparameters(path: Path) -> dict[str, str]:
    """The job's hyperparameters, unquoted, without SageMaker's reserved keys.

    Raises ``UserError`` if the file is not a JSON object.
    """
    if not path.is_file():
        return {}
    values = json_object(path.name, path.read_text(encoding="utf-8"))
    return {
        key: unquote(str(value))
        for key, value in values.items()
        if not key.startswith(_RESERVED_PREFIXES)
    }


def is_platform_key(name: str) -> bool:
    """Whether a hyperparameter is the platform's, not the algorithm's."""
    return name.startswith(PLATFORM_PREFIX)


def unquote(value: str) -> str:
    """Undo one level of JSON quoting: ``"\\"gbdt\\""`` becomes ``gbdt``."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        return inner if isinstance(inner, str) else value
    return value


def encode_range(
    *,
    kind: str,
    minimum: float | None,
    maximum: float | None,
    values: Sequence[str],
    scaling: str,
) -> str:
    """The text of a ``RANGE_PREFIX`` hyperparameter."""
    content = {
        "kind": kind,
        "minimum": minimum,
        "maximum": maximum,
        "values": list(values),
        "scaling": scaling,
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def encode(values: Mapping[str, object]) -> dict[str, str]:
    """The string form of typed values, as the API wants them."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in values.items()
    }
