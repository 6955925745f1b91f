"""Where the CPU seconds of a trial go: timers around calls, in the CPU time of their thread.

``trial_profile.py`` runs the training job of ``SAGEMAKER_BASE_DIR`` in its own process, by the
image's entry point, and prints the seconds of the parts as a line of JSON. They do not overlap;
``adding rounds`` are LightGBM's update calls, which take each tree to the validation rows, too.
"""

import functools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from warmfold_contract.paths import Paths
from warmfold_trainer import main as entry

ADDING_ROUNDS = "adding rounds"

Seconds = defaultdict[str, float]


def timed(function: Callable[..., Any], part: str, seconds: Seconds) -> Callable[..., Any]:
    """The function, whose CPU time in its thread is added to the part."""

    @functools.wraps(function)
    def within(*given: Any, **named: Any) -> Any:
        begun = time.thread_time()
        try:
            return function(*given, **named)
        finally:
            seconds[part] += time.thread_time() - begun

    return within


def watch(seconds: Seconds) -> None:
    """Import what a trial of LightGBM imports, and put timers on it."""
    import warmfold_trainer.trial  # noqa: F401 - as the job does
    from warmfold_trainer import metric
    from warmfold_trainer.algorithms.registry import algorithm_named

    algorithm_named("lightgbm")
    import lightgbm

    from warmfold_trainer.algorithms import lightgbm_trees

    seconds["Python and imports"] = time.process_time()
    watched = (
        (lightgbm.Booster, "update", ADDING_ROUNDS),
        (lightgbm.Booster, "__init__", "boosters and their text"),
        (lightgbm.Booster, "model_to_string", "boosters and their text"),
        (lightgbm_trees, "binned", "bins"),
        (lightgbm_trees, "_validation_predictions", "reading predictions"),
    )
    for holder, name, part in watched:
        setattr(holder, name, timed(getattr(holder, name), part, seconds))
    own = {name: timed(found, "the metric", seconds) for name, found in metric._FUNCTIONS.items()}
    metric._FUNCTIONS = own


def main() -> int:
    seconds: Seconds = defaultdict(float)
    train = entry.COMMANDS["train"]

    def watched(paths: Paths) -> None:
        watch(seconds)
        train(paths)

    # Not before the entry point has set what the libraries read when they are imported.
    entry.COMMANDS["train"] = watched
    code = entry.main(["train"])
    print(json.dumps(seconds))
    return code


if __name__ == "__main__":
    sys.exit(main())
