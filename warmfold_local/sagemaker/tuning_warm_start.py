"""Warm start: what a tuning job takes over from 1 to 5 earlier ones, and what it may not change.

Sources: API reference (HyperParameterTuningJobWarmStartConfig), developer guide ("Run a Warm
Start Hyperparameter Tuning Job"): parents have ended, share the objective and the set of
hyperparameters, and between static and tunable at most ten change; the parents of parents are not
looked at. How the service uses the earlier scores is not published. Here an
IdenticalDataAndAlgorithm search counts the parents' trials as its own; TransferLearning, whose
scores are of other data, tries the parents' best hyperparameters first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from warmfold_local.cloud import Record
from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.tuning_ranges import parse_ranges
from warmfold_local.sagemaker.tuning_search import Prior
from warmfold_local.sagemaker.tuning_spec import objective_of, ranges_of
from warmfold_local.sagemaker.tuning_trials import Objective, Trial

_ENDED = ("Completed", "Stopped", "Failed")
_CHANGES_LIMIT = 10

# So many of the parents' best trials are tried first by TransferLearning: our own choice.
_TRANSFERRED = 3

_OTHER_NAMES = (
    "The set of tunable plus static HyperParameter names is not the same across current and "
    "parent tuning jobs. Please ensure this set is constant when warm starting. Note that "
    "previously static HyperParameters can be tuned in warm start jobs and vice versa."
)

# The fields that the service's own message names, as it writes them; ranges may change as well.
_MAY_CHANGE = (
    "algorithmSpecification",
    "inputDataConfig",
    "outputDataConfig",
    "staticHyperParameters",
    "roleArn",
    "resourceConfig",
    "stoppingCondition",
    "vpcConfig",
    "enableManagedSpotTraining",
    "checkpointConfig",
)
_OTHER_FIELDS = (
    "Only the following fields in TrainingJobDefinition are allowed to change: "
    f"[{', '.join(_MAY_CHANGE)}]."
)


@dataclass(frozen=True, kw_only=True)
class Parent:
    """An earlier tuning job: its record, one of its definitions, and the trials of that."""

    record: Record
    definition: dict[str, Any]
    tuned: frozenset[str]
    objective: Objective
    trials: tuple[Trial, ...]

    @property
    def name(self) -> str:
        return str(self.record["HyperParameterTuningJobName"])

    @property
    def static(self) -> frozenset[str]:
        return frozenset(self.definition.get("StaticHyperParameters", {}))


def parent_of(record: Record, definition_name: str | None) -> Parent:
    """An earlier job, as parent of the new job's definition of that name.

    Where jobs have several definitions, those of one name belong together: that is this cloud's
    reading, since no rule is published. Raises ``ValidationError`` if there is none of that name.
    """
    config, several = record["HyperParameterTuningJobConfig"], "TrainingJobDefinitions" in record
    found = record["TrainingJobDefinitions"] if several else [record["TrainingJobDefinition"]]
    if several or definition_name is not None:
        found = [item for item in found if item.get("DefinitionName") == definition_name]
    if not found:
        raise ValidationError(
            f"The parent tuning job {record['HyperParameterTuningJobName']} has no training job "
            f"definition of the name {definition_name!r}, which the new one has."
        )
    definition: dict[str, Any] = found[0]
    static = definition.get("StaticHyperParameters", {})
    ranges = parse_ranges(ranges_of(config, definition, several=several), static)
    name = definition.get("DefinitionName") if several else None
    return Parent(
        record=record,
        definition=definition,
        tuned=frozenset(item.name for item in ranges),
        objective=objective_of(config, definition, several=several),
        trials=tuple(
            trial
            for trial in record["_trials"]
            if name in (None, trial.record.get("TrainingJobDefinitionName"))
        ),
    )


def check_parents(
    parents: Sequence[Parent],
    *,
    warm_start_type: str,
    definition: dict[str, Any],
    tuned: frozenset[str],
    objective: Objective,
) -> None:
    """Raises ``ValidationError`` naming the parent that the new job does not fit."""
    names = [parent.name for parent in parents]
    if len(set(names)) != len(names):
        raise ValidationError("A parent tuning job is named more than once in WarmStartConfig.")
    static = frozenset(definition.get("StaticHyperParameters", {}))
    for parent in parents:
        status = parent.record["HyperParameterTuningJobStatus"]
        if status not in _ENDED:
            raise ValidationError(
                f"The parent tuning job {parent.name} is in status {status}: warm start needs "
                f"parents in a terminal status ({', '.join(_ENDED)})."
            )
        if parent.objective != objective:
            raise ValidationError(
                f"The objective metric must be the same as that of the parent tuning job "
                f"{parent.name}: {_text(parent.objective)}, not {_text(objective)}."
            )
        if parent.static | parent.tuned != static | tuned:
            raise ValidationError(_OTHER_NAMES)
        if len(parent.tuned ^ tuned) > _CHANGES_LIMIT:
            raise ValidationError(
                f"More than {_CHANGES_LIMIT} hyperparameters change between static and tunable "
                f"since the parent tuning job {parent.name}."
            )
        _check_definition(parent, warm_start_type, definition)


def priors_of(parents: Sequence[Parent], warm_start_type: str) -> tuple[Prior, ...]:
    """What the search is told beforehand, of trials that have a score."""
    scored = [
        (trial.score, trial)
        for parent in parents
        for trial in parent.trials
        if trial.score is not None and trial.can_win
    ]
    if warm_start_type == "IdenticalDataAndAlgorithm":
        return tuple(Prior(hyperparameters=_values(t), score=score) for score, t in scored)
    maximize = bool(parents) and parents[0].objective.maximize
    scored.sort(key=lambda pair: -pair[0] if maximize else pair[0])
    return tuple(Prior(hyperparameters=_values(trial)) for _, trial in scored[:_TRANSFERRED])


def _check_definition(parent: Parent, warm_start_type: str, definition: dict[str, Any]) -> None:
    free = {name[0].upper() + name[1:] for name in _MAY_CHANGE}
    free |= {"HyperParameterRanges", "HyperParameterTuningResourceConfig"}
    changed = {
        key
        for key in {*definition, *parent.definition}
        if definition.get(key) != parent.definition.get(key)
    }
    if changed - free:
        raise ValidationError(_OTHER_FIELDS)
    if warm_start_type != "IdenticalDataAndAlgorithm":
        return
    if "InputDataConfig" in changed or _image(definition) != _image(parent.definition):
        raise ValidationError(
            "IdenticalDataAndAlgorithm needs the input data and the training image of the parent "
            f"tuning job {parent.name}; use TransferLearning if they differ."
        )


def _image(definition: dict[str, Any]) -> Any:
    return definition["AlgorithmSpecification"].get("TrainingImage")


def _values(trial: Trial) -> dict[str, str]:
    """Static ones too: what was static may be tuned now."""
    values: dict[str, str] = trial.record["HyperParameters"]
    return values


def _text(objective: Objective) -> str:
    return f"{'Maximize' if objective.maximize else 'Minimize'} {objective.metric}"
