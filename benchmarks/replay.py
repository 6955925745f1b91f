"""How long 1,000 modelled trials of 5 folds take to replay: ``python benchmarks/replay.py``.

Exits with 1 above the limit of 60 seconds.
"""

import sys
import time

from warmfold_local.modelled.replay import BEST_EGG, duration, replay

LIMIT_SECONDS = 60.0
SETTINGS = {
    "tuning_jobs": "1",
    "trials": "1000",
    "folds": "5",
    "parallel_trials": "10",
    "warm_pool_quota": "50",
}


def main() -> int:
    begun = time.perf_counter()
    result = replay(BEST_EGG, SETTINGS)
    seconds = time.perf_counter() - begun
    for run in result.runs:
        modelled = duration(run.outcome.wall_seconds)
        print(f"{run.label}: {run.outcome.jobs} jobs, modelled {modelled}")
    print(
        f"1,000 trials of 5 folds, replayed {len(result.runs)} times, took {seconds:.2f} s "
        f"(limit {LIMIT_SECONDS:.0f} s)"
    )
    return int(seconds > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
