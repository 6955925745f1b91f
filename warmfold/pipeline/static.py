"""The hyperparameters that a trial or a search is given by the platform, as texts."""

from collections.abc import Mapping

from warmfold.pipeline.blocks import execution_prefix
from warmfold.pipeline.candidates import Candidate, FanOut, Range
from warmfold.pipeline.expressions import Expression, parameter
from warmfold.pipeline.spec import PipelineSpec
from warmfold_contract import hyperparameters as keys

Given = Mapping[str, str | Expression]


def trial_hyperparameters(spec: PipelineSpec, candidate: Candidate) -> Given:
    """``StaticHyperParameters`` of a tuning job; SageMaker adds what it tunes."""
    fan_out = spec.fan_out
    return {
        keys.MODE: keys.MODE_TRIAL,
        **_candidate(spec, candidate),
        keys.CV_STRATEGY: keys.CV_IN_JOB if fan_out is None else keys.CV_FAN_OUT,
        **({keys.INCUMBENTS_URI: _incumbents(spec, candidate)} if spec.shares_scores else {}),
        **({} if fan_out is None else _fan_out(fan_out)),
        **candidate.static,
    }


def search_hyperparameters(spec: PipelineSpec, candidate: Candidate) -> Given:
    """``HyperParameters`` of the training job that is a whole search."""
    ranges = {f"{keys.RANGE_PREFIX}{name}": _range(span) for name, span in candidate.ranges.items()}
    return {
        keys.MODE: keys.MODE_SEARCH,
        **_candidate(spec, candidate),
        keys.CANDIDATE: candidate.name,
        keys.STRATEGY: spec.strategy,
        keys.MAX_TRIALS: str(spec.max_trials),
        keys.STOPS_WHEN_CONVERGED: str(spec.stops_when_converged).lower(),
        **ranges,
        **candidate.static,
    }


def _candidate(spec: PipelineSpec, candidate: Candidate) -> dict[str, str]:
    direction = spec.project_direction
    return {
        keys.ALGORITHM: candidate.algorithm,
        keys.TASK: candidate.task,
        keys.FEATURE_SET: candidate.feature_set,
        keys.METRIC: spec.metric,
        **({} if direction is None else {keys.DIRECTION: direction}),
        keys.SEED: str(spec.seed),
        keys.RACING: keys.RACING_OFF if spec.racing is None else f"{spec.racing:g}",
    }


def _incumbents(spec: PipelineSpec, candidate: Candidate) -> Expression:
    return execution_prefix(spec.model, "tuning", "incumbents", candidate.name)


def _fan_out(fan_out: FanOut) -> dict[str, str | Expression]:
    return {
        keys.FOLD_ROLE_ARN: parameter("FoldRoleArn"),
        keys.FOLD_KEEP_ALIVE_SECONDS: str(fan_out.keep_alive_seconds),
        keys.FOLD_WAVE: str(fan_out.folds_at_once),
        keys.FOLD_OWN: "1" if fan_out.own_fold else "0",
    }


def _range(span: Range) -> str:
    return keys.encode_range(
        kind=span.kind,
        minimum=span.minimum,
        maximum=span.maximum,
        values=span.values,
        scaling=span.scaling,
    )
