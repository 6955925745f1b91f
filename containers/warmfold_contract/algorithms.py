"""The algorithms and their hyperparameters: what the trainer offers and a configuration may name.

The names are each library's own; none is imported, so that a mistake is found at synth.
"""

from collections.abc import Mapping, Sequence

from warmfold_contract.settings import (
    ChoiceHyperparameter,
    Hyperparameter,
    NumberHyperparameter,
    Settings,
)
from warmfold_contract.tasks import Task

# What a model of each is kept in: text, the same bytes for the same model.
MODEL_FILES: Mapping[str, str] = {
    "lightgbm": "model.txt",
    "xgboost": "model.json",
    "linear": "linear.json",
}

# How long trees are added; not parameters of the libraries'.
MAX_ROUNDS = "max_rounds"
EARLY_STOPPING_ROUNDS = "early_stopping_rounds"


def _integer(
    name: str, default: int, minimum: int, maximum: int, *, tunable: bool = True
) -> NumberHyperparameter:
    return NumberHyperparameter(
        name=name,
        kind="integer",
        default=default,
        minimum=minimum,
        maximum=maximum,
        tunable=tunable,
    )


def _learning_rate() -> NumberHyperparameter:
    return NumberHyperparameter(
        name="learning_rate", default=0.05, minimum=0, maximum=1, open_minimum=True
    )


def _penalty(name: str, default: float) -> NumberHyperparameter:
    return NumberHyperparameter(name=name, default=default, minimum=0, maximum=1e6)


def _share(name: str) -> NumberHyperparameter:
    return NumberHyperparameter(name=name, default=1.0, minimum=0, maximum=1, open_minimum=True)


def _positive(name: str, default: float) -> NumberHyperparameter:
    return NumberHyperparameter(
        name=name, default=default, minimum=0, maximum=1e6, open_minimum=True
    )


def _quantile(name: str, default: float) -> NumberHyperparameter:
    return NumberHyperparameter(
        name=name, default=default, minimum=0, maximum=1, open_minimum=True, open_maximum=True
    )


def _choice(name: str, *choices: str, tunable: bool = True) -> ChoiceHyperparameter:
    """The first is the default."""
    return ChoiceHyperparameter(name=name, choices=choices, default=choices[0], tunable=tunable)


_BOOSTING = (
    _integer(MAX_ROUNDS, 400, 1, 100_000, tunable=False),
    _integer(EARLY_STOPPING_ROUNDS, 40, 1, 10_000, tunable=False),
)

# `use_quantized_grad` is left out: with bagging it aborts LightGBM 4.7.0.
# `bagging_freq` defaults to 1, or a tuned `bagging_fraction` would silently do nothing.
_LIGHTGBM = (
    *_BOOSTING,
    _integer("max_bin", 255, 2, 65_535, tunable=False),
    _integer("min_data_in_bin", 3, 1, 1_000_000, tunable=False),
    _learning_rate(),
    _integer("num_leaves", 31, 2, 131_072),
    _integer("max_depth", -1, -1, 64),
    _integer("min_data_in_leaf", 20, 0, 10_000_000),
    _penalty("min_sum_hessian_in_leaf", 1e-3),
    _share("feature_fraction"),
    _share("bagging_fraction"),
    _integer("bagging_freq", 1, 0, 1000),
    _penalty("lambda_l1", 0.0),
    _penalty("lambda_l2", 0.0),
    _penalty("min_gain_to_split", 0.0),
    _penalty("path_smooth", 0.0),
    _penalty("cat_smooth", 10.0),
    _penalty("cat_l2", 10.0),
    _integer("max_cat_threshold", 32, 1, 10_000),
)

# `alpha` is huber's width, in units of the target, and quantile's quantile: there below 1.
_LIGHTGBM_REGRESSION = (
    _choice("objective", "l2", "l1", "huber", "quantile"),
    _positive("alpha", 0.9),
)

# `max_depth` 0 is no limit (then `max_leaves` must be one, with grow_policy lossguide or not).
_XGBOOST = (
    *_BOOSTING,
    _integer("max_bin", 256, 2, 65_535, tunable=False),
    _learning_rate(),
    _choice("grow_policy", "depthwise", "lossguide"),
    _integer("max_depth", 6, 0, 64),
    _integer("max_leaves", 0, 0, 131_072),
    _penalty("min_child_weight", 1.0),
    _penalty("gamma", 0.0),
    _share("subsample"),
    _share("colsample_bytree"),
    _share("colsample_bylevel"),
    _share("colsample_bynode"),
    _penalty("reg_alpha", 0.0),
    _penalty("reg_lambda", 1.0),
    _penalty("max_delta_step", 0.0),
    _integer("max_cat_to_onehot", 4, 1, 10_000),
    _integer("max_cat_threshold", 64, 1, 10_000),
)

# `reg:pseudohubererror` is left out: XGBoost 3.2.0 starts it at a number that is far off where the
# target is far from 0.
_XGBOOST_REGRESSION = (
    _choice("objective", "reg:squarederror", "reg:absoluteerror", "reg:quantileerror"),
    _quantile("quantile_alpha", 0.5),
)

# Penalties on the sum of the rows' losses, so their weight against the data falls as it grows.
_LINEAR = (
    _integer("max_bin", 20, 2, 1000, tunable=False),
    _integer("max_iterations", 500, 1, 100_000, tunable=False),
    _penalty("l1", 0.0),
    _positive("l2", 1.0),
)

_CLASSIFICATION_OF_TREES = (_positive("scale_pos_weight", 1.0),)

# The trainer's registry has the same names (a test holds the two together).
HYPERPARAMETERS: Mapping[str, Mapping[Task, Sequence[Hyperparameter]]] = {
    "lightgbm": {
        "classification": (*_LIGHTGBM, *_CLASSIFICATION_OF_TREES),
        "regression": (*_LIGHTGBM, *_LIGHTGBM_REGRESSION),
    },
    "xgboost": {
        "classification": (*_XGBOOST, *_CLASSIFICATION_OF_TREES),
        "regression": (*_XGBOOST, *_XGBOOST_REGRESSION),
    },
    "linear": {"classification": _LINEAR, "regression": _LINEAR},
}


def hyperparameters(algorithm: str, task: Task) -> Sequence[Hyperparameter]:
    """What a candidate of this algorithm and task may set; ``algorithm`` must be known."""
    return HYPERPARAMETERS[algorithm][task]


def combination_fault(algorithm: str, settings: Settings) -> str | None:
    """Why complete settings, each in its range, contradict each other; ``None`` if they do not."""
    if settings.get("objective") == "quantile" and float(settings["alpha"]) >= 1:
        return f"alpha is {settings['alpha']}: with objective quantile use a number below 1"
    if algorithm == "xgboost" and settings["max_depth"] == 0 == settings["max_leaves"]:
        return "max_depth and max_leaves are both 0, so trees have no limit: set one of them"
    return None
