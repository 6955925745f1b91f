"""The final model: the selected trial's algorithm and settings, on every training row."""

from collections.abc import Mapping
from pathlib import Path

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import METRIC, PLATFORM_KEYS, encode
from warmfold_contract.hyperparameters import SEED as SEED_KEY
from warmfold_contract.manifest import FILE_NAME as MANIFEST_FILE
from warmfold_contract.manifest import Manifest, sha256_of
from warmfold_contract.paths import SELECTION_CHANNEL, TRAIN_CHANNEL, Paths
from warmfold_contract.project import installed_wheel
from warmfold_contract.selection import FILE_NAME as SELECTION_FILE
from warmfold_contract.selection import SelectedTrial
from warmfold_trainer.algorithms.protocol import Table
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.cross_validation import available_cores
from warmfold_trainer.feature_set import FeatureSet, read_feature_set
from warmfold_trainer.settings import SEED, read_settings, required

TASK = "binary_classification"

# Below this, a second thread costs more in waiting than it saves.
_ROWS_FOR_THREADS = 50_000


def train_final(paths: Paths, given: Mapping[str, str]) -> None:
    """Train and write the artifact: the model's files, and last its manifest.

    Raises ``UserError``; an artifact without a manifest is refused wherever one is read.
    """
    _refuse_other_hyperparameters(given)
    seed = int(SEED.parse(required(given, SEED_KEY, "the hyperparameter")))
    project = installed_wheel()
    selected = _read_selection(paths.channel(SELECTION_CHANNEL))
    _check_same_metric(selected, given)
    algorithm = algorithm_named(selected.algorithm)
    settings = read_settings(
        selected.hyperparameters, algorithm.hyperparameters, owner=algorithm.name
    )
    data = read_feature_set(paths.channel(TRAIN_CHANNEL), with_folds=True)
    _check_same_folds(selected, data)
    table = Table(features=data.features, target=data.target, schema=data.schema.features)
    threads = available_cores() if data.rows >= _ROWS_FOR_THREADS else 1
    prepared = algorithm.prepare(table, settings, seed=seed)
    model = prepared.fit_final(selected.rounds, threads=threads)
    paths.model.mkdir(parents=True, exist_ok=True)
    files = model.save(paths.model)
    manifest = Manifest(
        algorithm=algorithm.name,
        task=TASK,
        schema=data.schema,
        hyperparameters=encode(settings),
        rounds=selected.rounds,
        metric=selected.metric,
        cross_validation=_cross_validation(selected),
        training_rows=data.rows,
        data_fingerprint=data.data_fingerprint,
        fold_hash=data.fold_hash,
        project=project,
        files={name: sha256_of(paths.model / name) for name in files},
    )
    (paths.model / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8", newline="\n")


def _refuse_other_hyperparameters(given: Mapping[str, str]) -> None:
    others = sorted(set(given) - set(PLATFORM_KEYS))
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


def _cross_validation(selected: SelectedTrial) -> dict[str, object]:
    return {
        "score": selected.score,
        "score_std": selected.score_std,
        "training_score": selected.training_score,
        "fold_scores": list(selected.fold_scores),
    }
