"""The algorithms and their hyperparameters: what the trainer offers and a configuration may name.

The names are each library's own; none is imported, so that a mistake is found at synth.
"""

from collections.abc import Mapping, Sequence

from warmfold_contract.settings import Hyperparameter

# How long LightGBM trains; not parameters of its own.
MAX_ROUNDS = "max_rounds"
EARLY_STOPPING_ROUNDS = "early_stopping_rounds"


def _integer(
    name: str, default: int, minimum: int, maximum: int, *, tunable: bool = True
) -> Hyperparameter:
    return Hyperparameter(
        name=name,
        kind="integer",
        default=default,
        minimum=minimum,
        maximum=maximum,
        tunable=tunable,
    )


def _penalty(name: str, default: float) -> Hyperparameter:
    return Hyperparameter(name=name, default=default, minimum=0, maximum=1e6)


def _share(name: str) -> Hyperparameter:
    return Hyperparameter(name=name, default=1.0, minimum=0, maximum=1, open_minimum=True)


# `use_quantized_grad` is left out: with bagging it aborts LightGBM 4.7.0.
# `bagging_freq` defaults to 1, or a tuned `bagging_fraction` would silently do nothing.
LIGHTGBM = (
    _integer(MAX_ROUNDS, 400, 1, 100_000, tunable=False),
    _integer(EARLY_STOPPING_ROUNDS, 40, 1, 10_000, tunable=False),
    _integer("max_bin", 255, 2, 65_535, tunable=False),
    _integer("min_data_in_bin", 3, 1, 1_000_000, tunable=False),
    Hyperparameter(name="learning_rate", default=0.05, minimum=0, maximum=1, open_minimum=True),
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
    Hyperparameter(name="scale_pos_weight", default=1.0, minimum=0, maximum=1e6, open_minimum=True),
)

# The trainer's registry has the same names (a test holds the two together).
HYPERPARAMETERS: Mapping[str, Sequence[Hyperparameter]] = {"lightgbm": LIGHTGBM}
