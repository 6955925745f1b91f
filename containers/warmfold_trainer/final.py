"""The final model: the selected trial's algorithm and settings, on every training row."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from warmfold_contract.errors import UserError, write_failure
from warmfold_contract.hyperparameters import DIRECTION, METRIC, encode, is_platform_key
from warmfold_contract.hyperparameters import SEED as SEED_KEY
from warmfold_contract.manifest import FILE_NAME as MANIFEST_FILE
from warmfold_contract.manifest import Manifest, sha256_of
from warmfold_contract.paths import SELECTION_CHANNEL, TRAIN_CHANNEL, TRIAL_CHANNEL, Paths
from warmfold_contract.project import Project, installed_wheel, load_project
from warmfold_contract.selection import FILE_NAME as SELECTION_FILE
from warmfold_contract.selection import SelectedTrial
from warmfold_contract.settings import Settings
from warmfold_contract.tasks import CLASSIFICATION, TASKS, Task
from warmfold_trainer.algorithms.protocol import FinalModel, Rows, Scores, Table
from warmfold_trainer.algorithms.registry import algorithm_named, train_on_hosts
from warmfold_trainer.calibration import Choice, OutOfFold, choose_calibration
from warmfold_trainer.cores import available_cores
from warmfold_trainer.feature_set import FeatureSet, read_feature_set
from warmfold_trainer.hosts import Cluster, read_cluster
from warmfold_trainer.metric import Metric, find_metric, metrics_of, values_of
from warmfold_trainer.out_of_fold import read_out_of_fold
from warmfold_trainer.settings import SEED, read_settings, required

LOGGER = logging.getLogger(__name__)

# Below this, a second thread costs more in waiting than it saves.
_ROWS_FOR_THREADS = 50_000


def train_final(paths: Paths, given: Mapping[str, str]) -> None:
    """Train and write the artifact: the model's files, and last its manifest.

    Of several hosts the first one writes it. Raises ``UserError``; an artifact without a manifest
    is refused wherever one is read.
    """
    order = _read_order(paths, given)
    cluster = read_cluster(paths)
    with _failure_foretold(paths, cluster.size):
        model = _trained(order, cluster)
    if cluster.rank > 0:
        return
    if model.rounds < order.selected.rounds:
        LOGGER.warning(
            "after %d of %d rounds no more splits were found", model.rounds, order.selected.rounds
        )
    out_of_fold, calibration = _out_of_fold(order)
    paths.model.mkdir(parents=True, exist_ok=True)
    files = model.save(paths.model)
    manifest = Manifest(
        algorithm=order.selected.algorithm,
        task=order.data.task,
        fitted_as=order.task,
        schema=order.data.schema,
        hyperparameters=encode(order.settings),
        rounds=model.rounds,
        metric=order.metric.name,
        cross_validation={**_cross_validation(order.selected), "out_of_fold": out_of_fold},
        calibration=calibration,
        training_rows=order.data.rows,
        data_fingerprint=order.data.data_fingerprint,
        fold_hash=order.data.fold_hash,
        project=order.wheel,
        files={name: sha256_of(paths.model / name) for name in files},
    )
    (paths.model / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8", newline="\n")


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What is to be trained, and on what. ``score`` are the selected trial's out-of-fold scores of
    ``rows`` of the data."""

    selected: SelectedTrial
    task: Task
    settings: Settings
    seed: int
    metric: Metric
    project: Project
    wheel: dict[str, str]
    data: FeatureSet
    rows: Rows
    score: Scores


def _read_order(paths: Paths, given: Mapping[str, str]) -> _Order:
    """Checks all that can be checked before the training."""
    _refuse_other_hyperparameters(given)
    seed = int(SEED.parse(required(given, SEED_KEY, "the hyperparameter")))
    wheel, project = installed_wheel(), load_project()
    selected = _read_selection(paths.channel(SELECTION_CHANNEL))
    _check_same_metric(selected, given)
    metric = find_metric(selected.metric, direction=given.get(DIRECTION), project=project)
    algorithm, task = algorithm_named(selected.algorithm), _task(selected)
    settings = read_settings(selected.hyperparameters, algorithm.name, task)
    data = read_feature_set(
        paths.channel(TRAIN_CHANNEL), feature_set=selected.feature_set, with_folds=True
    )
    _check_same_folds(selected, data)
    rows, score = read_out_of_fold(paths.channel(TRIAL_CHANNEL), data)
    return _Order(
        selected=selected,
        task=task,
        settings=settings,
        seed=seed,
        metric=metric,
        project=project,
        wheel=wheel,
        data=data,
        rows=rows,
        score=score,
    )


@contextmanager
def _failure_foretold(paths: Paths, hosts: int) -> Iterator[None]:
    """LightGBM ends the process where it stands if a large message does not reach another host:
    the reason is written beforehand, and taken away by whatever ends the block."""
    if hosts > 1:
        write_failure(
            paths.failure,
            f"training on {hosts} hosts broke off, because one of them was lost or could not be "
            "reached, or because this one was stopped: see the hosts' logs, and run the job again",
        )
    try:
        yield
    finally:
        if hosts > 1:
            paths.failure.unlink()


def _trained(order: _Order, cluster: Cluster) -> FinalModel:
    """On this host's share of the rows, if the job has several hosts."""
    selected, data, settings = order.selected, order.data, order.settings
    own = slice(cluster.rank, None, cluster.size)
    table = Table(
        features=data.features[own],
        target=data.target[own],
        schema=data.schema.features,
        task=order.task,
    )
    threads = available_cores() if data.rows >= _ROWS_FOR_THREADS else 1
    if cluster.size > 1:
        return train_on_hosts(
            selected.algorithm,
            table,
            settings,
            selected.rounds,
            seed=order.seed,
            cluster=cluster,
            threads=threads,
        )
    prepared = algorithm_named(selected.algorithm).bin(table, settings, seed=order.seed)
    return prepared.with_settings(settings).fit_final(selected.rounds, threads=threads)


def _out_of_fold(order: _Order) -> tuple[dict[str, object], dict[str, Any] | None]:
    """What the scores say, before any calibration, over all folds together; and the calibration
    that they ask for.

    Metrics are the mean over the repeats of what each one's scores say: a row's mean score over
    the repeats would be that of several models, and flatter the one that is trained.
    """
    data, score = order.data, order.score
    known = {**metrics_of(data.task, order.project), order.metric.name: order.metric}
    target = data.target[order.rows]
    repeats = [values_of(known, target, repeat) for repeat in score.T]
    choice = _calibration(order)
    found = {
        "rows": len(order.rows),
        "metrics": {
            name: float(np.mean([values[name] for values in repeats])) for name in repeats[0]
        },
        "log_loss_by_calibration": None if choice is None else choice.log_losses,
    }
    return found, None if choice is None else choice.calibration.to_dict()


def _calibration(order: _Order) -> Choice | None:
    """By out-of-fold scores; a predicted number needs none."""
    data, rows = order.data, order.rows
    if data.task != CLASSIFICATION or data.fold is None:
        return None
    target, fold = data.target[rows], data.fold[rows, 0]
    return choose_calibration(OutOfFold(score=order.score, target=target, fold=fold))


def _refuse_other_hyperparameters(given: Mapping[str, str]) -> None:
    others = sorted(name for name in given if not is_platform_key(name))
    if others:
        raise UserError(
            f"the final training takes its hyperparameters from {SELECTION_FILE}, not from the "
            f"job: remove {', '.join(others)}"
        )


def _read_selection(channel: Path) -> SelectedTrial:
    path = channel / SELECTION_FILE
    if not path.is_file():
        raise UserError(f"channel {channel.name!r} holds no {SELECTION_FILE}")
    selected = SelectedTrial.from_json(path.read_text(encoding="utf-8"))
    if selected.rounds < 1:
        raise UserError(f"{SELECTION_FILE} asks for {selected.rounds} rounds: at least 1 is needed")
    return selected


def _task(selected: SelectedTrial) -> Task:
    for task in TASKS:
        if task == selected.task:
            return task
    raise UserError(f"{SELECTION_FILE} has task {selected.task!r}: use one of {', '.join(TASKS)}")


def _check_same_metric(selected: SelectedTrial, given: Mapping[str, str]) -> None:
    metric = given.get(METRIC, selected.metric)
    if metric != selected.metric:
        raise UserError(
            f"{METRIC} is {metric!r}, but {SELECTION_FILE} was selected by {selected.metric!r}"
        )


def _check_same_folds(selected: SelectedTrial, data: FeatureSet) -> None:
    if selected.folds != data.folds:
        raise UserError(
            f"{SELECTION_FILE} was scored on {selected.folds} folds, the channel "
            f"{TRAIN_CHANNEL!r} holds {data.folds}: both must come from one execution"
        )
    if selected.fold_hash != data.fold_hash:
        raise UserError(
            f"{SELECTION_FILE} was scored on other folds (hash {selected.fold_hash[:12]}) than the "
            f"channel {TRAIN_CHANNEL!r} holds ({data.fold_hash[:12]}): both must come from one "
            "execution"
        )


def _cross_validation(selected: SelectedTrial) -> dict[str, object]:
    return {
        "score": selected.score,
        "score_std": selected.score_std,
        "training_score": selected.training_score,
        "fold_scores": list(selected.fold_scores),
    }
