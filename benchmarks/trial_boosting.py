"""The physical limit of a trial: CPU seconds of its boosting rounds alone.

``trial_boosting.py FOLDER ROUNDS`` bins the training channel's rows and adds rounds to each fold's
model, two folds at a time on two cores, without scoring anything; prints the seconds.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lightgbm

from warmfold_trainer.algorithms.lightgbm_trees import LightGbmBins
from warmfold_trainer.algorithms.protocol import Table
from warmfold_trainer.cores import available_cores
from warmfold_trainer.feature_set import read_feature_set
from warmfold_trainer.settings import read_settings


def main(folder: str, rounds: str, **given: str) -> int:
    data = read_feature_set(Path(folder), with_folds=True)
    settings = read_settings(given, "lightgbm", "classification")
    table = Table(features=data.features, target=data.target, schema=data.schema.features)
    bins = LightGbmBins(table, settings, seed=0, keep_folds=False)
    parameters = bins.with_settings(settings).parameters

    def fold(number: int) -> float:
        train, _ = data.fold_rows(number)
        (binned,) = bins.rows(train)
        booster = lightgbm.Booster(parameters, binned)
        begun = time.thread_time()
        for _ in range(int(rounds)):
            booster.update()
        return time.thread_time() - begun

    with ThreadPoolExecutor(available_cores()) as threads:
        print(sum(threads.map(fold, range(1, data.folds + 1))))
    return 0


if __name__ == "__main__":
    pairs = [argument.split("=") for argument in sys.argv[3:]]
    sys.exit(main(sys.argv[1], sys.argv[2], **dict(pairs)))
