"""What the environments search is what the trainer's algorithms know."""

import pytest

from config.load import environments, load_settings
from config.settings import Candidate, Range
from warmfold_trainer.algorithms.lightgbm_settings import HYPERPARAMETERS
from warmfold_trainer.settings import Hyperparameter

KNOWN = {"lightgbm": {setting.name: setting for setting in HYPERPARAMETERS}}
CANDIDATES = [
    pytest.param(candidate, id=f"{environment}-{model.name}-{candidate.name}")
    for environment in environments()
    for model in load_settings(environment).models
    for candidate in model.candidates
]


def takes(setting: Hyperparameter, span: Range) -> bool:
    """Whether both bounds of a numeric range are values that the trainer accepts."""
    bounds = [span.minimum, span.maximum]
    texts = [str(int(b)) if span.kind == "integer" else str(b) for b in bounds if b is not None]
    return [setting.parse(text) for text in texts] == bounds


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_the_algorithm_knows_every_hyperparameter(candidate: Candidate) -> None:
    known = KNOWN[candidate.algorithm]
    for name, value in candidate.static.items():
        assert known[name].parse(str(value)) == value
    for name, span in candidate.ranges.items():
        assert known[name].tunable, name
        assert takes(known[name], span), name
