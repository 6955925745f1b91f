"""Hyperparameters as SageMaker hands them over: a flat map of strings.

Automatic model tuning adds ``_tuning_objective_metric``; the SageMaker SDK's estimators
JSON-quote strings. Both are accepted here, and nowhere else.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from warmfold_contract.documents import json_object

# Set by the platform in StaticHyperParameters, never tuned.
MODE = "warmfold_mode"
ALGORITHM = "warmfold_algorithm"
METRIC = "warmfold_metric"
SEED = "warmfold_seed"
PLATFORM_KEYS = (MODE, ALGORITHM, METRIC, SEED)

MODE_TRIAL = "trial"
MODE_FINAL = "final"

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


def unquote(value: str) -> str:
    """Undo one level of JSON quoting: ``"\\"gbdt\\""`` becomes ``gbdt``."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        return inner if isinstance(inner, str) else value
    return value


def encode(values: Mapping[str, object]) -> dict[str, str]:
    """The string form of typed values, as the API wants them."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in values.items()
    }
