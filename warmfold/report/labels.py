"""Keys of evaluations, model cards and metadata as a reader of the report is to see them."""

from collections.abc import Mapping
from typing import Any

from warmfold.report.charts import METRIC_NAMES, metric_name
from warmfold_contract.metric_names import PROJECT_PREFIX

_LABELS: Mapping[str, str] = {
    "cross_validation": "Cross-validation",
    "cv_score": "Cross-validated score",
    "cv_score_std": "Cross-validated score, standard deviation",
    "out_of_fold": "Out-of-fold",
    "score_std": "Score, standard deviation",
}
_WORDS: Mapping[str, str] = {
    "arn": "ARN",
    "holdout": "hold-out",
    "id": "ID",
    "sha256": "SHA-256",
    "uri": "URI",
}


def label(key: str) -> str:
    """``data_fingerprint`` as ``Data fingerprint``, ``output_uri`` as ``Output URI``."""
    if key in METRIC_NAMES or key.startswith(PROJECT_PREFIX):
        return metric_name(key)
    if key in _LABELS:
        return _LABELS[key]
    text = " ".join(_WORDS.get(word, word) for word in key.split("_") if word)
    return text[:1].upper() + text[1:]


def is_number(value: Any) -> bool:
    """Also as text, as hyperparameters are: what must not be broken over lines."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)
