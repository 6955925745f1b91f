"""``warmfold_mode = search``: search, keep a checkpoint, and report the best trial as a trial."""

import hashlib
import json
import logging
import signal
from collections.abc import Mapping

import numpy as np

from warmfold_contract.hyperparameters import encode
from warmfold_contract.paths import Paths
from warmfold_contract.trials import FILE_NAME, SearchedTrials
from warmfold_trainer.cores import available_cores
from warmfold_trainer.cross_validation import TrialData, trial_data
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.metric_log import print_metrics
from warmfold_trainer.search.checkpoint import Checkpoint
from warmfold_trainer.search.engine import Search, arranged
from warmfold_trainer.search.plan import Plan, read_plan
from warmfold_trainer.trial import closing_lines, summary, write_results

LOGGER = logging.getLogger(__name__)

# Bins of every fold are kept for the next trial as long as they take no more than this.
_KEPT_BINS_BYTES = 2 * 1024**3


def run_search(paths: Paths, given: Mapping[str, str]) -> None:
    """Raises ``UserError``. Files are written when all trials have ended, then the metrics."""
    plan = read_plan(given)
    data = plan.candidate.data(paths)
    checkpoint = Checkpoint(paths.checkpoints, identity(plan, data))
    earlier = checkpoint.read()
    search = Search(
        plan=plan,
        trial_data=_binned(plan, data),
        arrangement=arranged(available_cores(), plan.max_trials, data.folds),
        keep=checkpoint.add,
    )
    search.resume(earlier)
    LOGGER.info(
        "searching %d trials of %d rows in %d folds, %d trials at a time; %d from a checkpoint",
        plan.max_trials,
        data.rows,
        data.folds,
        search.arrangement.trials,
        len(earlier),
    )
    best = search.run()
    if search.ended_early:
        LOGGER.info("%s", search.ended_early)
    result = search.best_result or search.repeated(best)
    lines = closing_lines(result)
    settings = plan.settings(search.drawn(best))
    write_results(
        paths, data, result, {**summary(plan.candidate, settings), "trial": best.row.name}
    )
    _write_trials(paths, plan, data, search)
    # All is done and written: a stop that arrives now no longer makes this job a failed one.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print_metrics(lines)


def identity(plan: Plan, data: FeatureSet) -> dict[str, str]:
    """All that a trial's score depends on, as texts; how many trials there are is not among it."""
    candidate = plan.candidate
    return {
        "candidate": plan.name,
        "algorithm": candidate.algorithm.name,
        "task": candidate.task,
        "feature set": candidate.feature_set,
        "metric": candidate.metric.name,
        "seed": str(candidate.seed),
        "fixed hyperparameters": json.dumps(encode(candidate.settings()), sort_keys=True),
        "ranges": json.dumps([vars(item) for item in plan.ranges], sort_keys=True),
        "strategy": plan.strategy,
        "folds": data.fold_hash,
        "data": _content(data),
    }


def _content(data: FeatureSet) -> str:
    """Of what the models are trained on, whatever raw data and feature code it came from."""
    digest = hashlib.blake2b(digest_size=16)
    for array in (data.features, data.target):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _binned(plan: Plan, data: FeatureSet) -> TrialData:
    candidate = plan.candidate
    return trial_data(
        candidate.algorithm,
        data,
        candidate.settings(),
        seed=candidate.seed,
        task=candidate.task,
        keep_folds=data.features.size * data.folds <= _KEPT_BINS_BYTES,
    )


def _write_trials(paths: Paths, plan: Plan, data: FeatureSet, search: Search) -> None:
    candidate = plan.candidate
    trials = SearchedTrials(
        candidate=plan.name,
        algorithm=candidate.algorithm.name,
        task=candidate.task,
        feature_set=candidate.feature_set,
        metric=candidate.metric.name,
        folds=data.folds,
        fold_hash=data.fold_hash,
        data_fingerprint=data.data_fingerprint,
        trials=tuple(trial.row for _, trial in sorted(search.ended.items())),
        ended_early=search.ended_early,
    )
    (paths.model / FILE_NAME).write_text(trials.to_json(), encoding="utf-8", newline="\n")
