"""Records score and cost over the example's ranges, for ``benchmarks.search_rules``.

``python -m benchmarks.search_surface [FILE]``

Settings are 96 points spread evenly over the shipped LightGBM ranges, and 64 more of which each
coordinate is moved to the nearer end of its range with a chance of a half: good settings lie at
ends. Each is trained on 25,000 generated rows for at most 400 rounds, and scored on 25,000 others
every five rounds, until 60 rounds bring nothing. CPU is the thread's own, scoring left out.
"""

import json
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from benchmarks.credit_data import NUMBERS, credit_data
from benchmarks.environment import ROOT
from warmfold_trainer.metric import find_metric
from warmfold_trainer.search.sampler import spread_evenly, value_at
from warmfold_trainer.search.space import Range

FILE = Path(__file__).parent / "data" / "search_surface.json"
CONFIGURATION = ROOT / "config" / "environments" / "local.toml"
EVERY, MOST_ROUNDS = 5, 400
_PATIENCE = 60
_ROWS = 25_000
_SPREAD, _AT_ENDS = 96, 64
_SEED = 1
_FIXED = {"verbosity": -1, "objective": "binary", "num_threads": 1, "feature_pre_filter": False}


def candidate() -> dict[str, Any]:
    """The first one of the configuration that ships."""
    configuration = tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))
    found: dict[str, Any] = configuration["models"][0]["candidates"][0]
    return found


def ranges() -> tuple[Range, ...]:
    return tuple(Range(name=name, **span) for name, span in sorted(candidate()["ranges"].items()))


def points(dimensions: int) -> NDArray[np.float64]:
    """Of the unit cube, in the order of ``ranges``."""
    random = np.random.default_rng(_SEED)
    offsets = random.random(dimensions)
    spread = np.array([spread_evenly(n, offsets) for n in range(_SPREAD + _AT_ENDS)])
    moved = random.random((_AT_ENDS, dimensions)) < 0.5
    spread[_SPREAD:] = np.where(moved, np.round(spread[_SPREAD:]), spread[_SPREAD:])
    return spread


def main(file: str = str(FILE)) -> int:
    data = credit_data(2 * _ROWS, _SEED)
    train = lightgbm.Dataset(
        data.features[:_ROWS],
        data.target[:_ROWS].astype(float),
        params=_FIXED,
        categorical_feature=list(range(NUMBERS, data.features.shape[1])),
        free_raw_data=False,
    ).construct()
    rest = train.create_valid(data.features[_ROWS:], data.target[_ROWS:].astype(float)).construct()
    searched = ranges()
    found = []
    for unit in points(len(searched)):
        settings = {
            item.name: value_at(item.distribution(), float(at))
            for item, at in zip(searched, unit, strict=True)
        }
        curve, seconds = curve_of(settings, train, rest)
        found.append({"unit": unit.tolist(), "curve": curve, "cpu_seconds": seconds})
        Path(file).write_text(json.dumps(found).replace("}, {", "},\n{") + "\n")
    return 0


def curve_of(
    settings: dict[str, Any], train: lightgbm.Dataset, rest: lightgbm.Dataset
) -> tuple[list[float], float]:
    """AUC every five rounds, and CPU seconds a round."""
    auc = find_metric("auc").function
    target = np.asarray(rest.get_label())
    booster = lightgbm.Booster({**_FIXED, **settings}, train)
    booster.add_valid(rest, "rest")
    predicted: list[NDArray[np.float64]] = []

    def keep(scores: NDArray[np.float64], _: lightgbm.Dataset) -> tuple[str, float, bool]:
        predicted.append(scores)
        return "", 0.0, True

    curve: list[float] = []
    seconds = 0.0
    for _ in range(MOST_ROUNDS // EVERY):
        begun = time.thread_time()
        for _ in range(EVERY):
            booster.update()
        seconds += time.thread_time() - begun
        booster.eval_valid(keep)
        curve.append(round(float(auc(target, predicted.pop())), 6))
        if len(curve) - 1 - int(np.argmax(curve)) >= _PATIENCE // EVERY:
            break
    return curve, round(seconds / (EVERY * len(curve)), 6)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
