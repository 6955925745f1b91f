"""From configuration to what the pipelines and constructs are made of."""

from dataclasses import replace
from pathlib import Path

from aws_cdk import aws_ecr as ecr

from config import settings_serving
from config.images import Kind, content_tag
from config.load import REPOSITORY
from config.settings import (
    Batch,
    Candidate,
    Compute,
    CrossValidation,
    Model,
    Range,
    SpotCompute,
)
from config.settings_serving import Alarms, Deployment, Serving
from stacks.base import PlatformStack
from warmfold.pipeline import candidates, spec
from warmfold_constructs.container_image import BuiltImage, ContainerImage, RepositoryImage
from warmfold_constructs.daily_batch import Daily
from warmfold_constructs.data_capture import DataCapture, captured_prefix
from warmfold_constructs.endpoint_alarms import AlarmLimits
from warmfold_constructs.endpoint_scaling import Fleet, Night
from warmfold_constructs.fold_jobs import FoldLimits
from warmfold_constructs.rollout import Rollout
from warmfold_constructs.shadow_variant import Shadow


def pipeline_spec(model: Model) -> spec.PipelineSpec:
    """The training pipeline of a model."""
    return spec.PipelineSpec(
        model=model.name,
        folds=model.data.folds,
        repeats=model.data.repeats,
        assignment=model.data.assignment,
        holdout_fraction=model.data.holdout_fraction,
        seed=model.data.seed,
        metric=model.tuning.metric,
        project_direction=model.tuning.direction,
        candidates=tuple(_candidate(candidate) for candidate in model.candidates),
        engine=model.tuning.engine,
        strategy=model.tuning.strategy,
        racing=None if model.tuning.racing is False else model.tuning.racing,
        fan_out=_fan_out(model.cross_validation),
        max_trials=model.tuning.max_trials,
        stops_when_converged=model.tuning.stops_when_converged,
        parallel_trials=model.tuning.parallel_trials,
        minimum_score=model.gate.minimum_score,
        processing=_compute(model.jobs.processing),
        trial=_compute(model.jobs.trial),
        search=None if model.jobs.search is None else _spot_compute(model.jobs.search),
        final=_spot_compute(model.jobs.final),
        evaluation=_compute(model.jobs.evaluation),
        transform=_compute(model.jobs.transform),
        realtime_instance_types=model.registration.realtime_instance_types,
    )


def scoring_spec(model: Model) -> spec.ScoringSpec:
    """The batch scoring pipeline of a model."""
    return spec.ScoringSpec(
        model=model.name,
        transform=_compute(model.batch.compute),
        input_filter=model.batch.input_filter,
        output_filter=model.batch.output_filter,
    )


def fleet(serving: Serving) -> Fleet:
    return Fleet(
        instance_type=serving.instance_type,
        minimum_instances=serving.minimum_instances,
        maximum_instances=serving.maximum_instances,
        target_invocations_per_instance=serving.target_invocations_per_instance,
        scale_in_cooldown_seconds=serving.scale_in_cooldown_seconds,
        scale_out_cooldown_seconds=serving.scale_out_cooldown_seconds,
        night=_night(serving),
    )


def _night(serving: Serving) -> Night | None:
    hours = serving.off_hours
    if hours is None:
        return None
    return Night(
        start=hours.start,
        end=hours.end,
        time_zone=hours.time_zone,
        minimum_instances=hours.minimum_instances,
    )


def rollout(deployment: Deployment) -> Rollout:
    return Rollout(
        canary_percent=deployment.canary_percent,
        wait_seconds=deployment.wait_seconds,
        termination_wait_seconds=deployment.termination_wait_seconds,
        timeout_seconds=deployment.timeout_seconds,
    )


def alarm_limits(alarms: Alarms) -> AlarmLimits:
    return AlarmLimits(
        error_rate_percent=alarms.error_rate_percent,
        latency_milliseconds=alarms.latency_milliseconds,
        evaluation_minutes=alarms.evaluation_minutes,
    )


def data_capture(stack: PlatformStack, model: Model) -> DataCapture:
    environment = stack.settings.environment
    bucket = stack.names.bucket(environment.account, environment.region)
    return DataCapture(
        destination=f"s3://{bucket}/{captured_prefix(model.name)}".rstrip("/"),
        sampled_percent=model.serving.data_capture.sampled_percent,
    )


def shadow(value: settings_serving.Shadow) -> Shadow:
    return Shadow(sampled_percent=value.sampled_percent, instances=value.instances)


def daily(batch: Batch) -> Daily:
    hour, minute = batch.time.split(":")
    return Daily(
        hour=int(hour),
        minute=int(minute),
        time_zone=batch.time_zone,
        flexible_window_minutes=batch.flexible_window_minutes,
    )


def image(stack: PlatformStack, kind: Kind, model: Model) -> ContainerImage:
    """The model's trainer or server, named by its content whatever the source."""
    project = REPOSITORY / Path(model.project)
    tag = content_tag(REPOSITORY, kind, model.name, project)
    id = f"{kind.capitalize()}Image"
    if stack.settings.images.source == "build":
        return BuiltImage(stack, id, kind=kind, project=project, content_tag=tag)
    names = {
        "trainer": stack.names.trainer_repository,
        "server": stack.names.server_repository,
    }
    repository = ecr.Repository.from_repository_name(stack, id, names[kind])
    return RepositoryImage(repository, tag_or_digest=tag)


def fold_limits(model: Model) -> FoldLimits | None:
    """What folds may cost that are jobs of their own; ``None`` if there are none."""
    fan_out = _fan_out(model.cross_validation)
    if fan_out is None:
        return None
    return FoldLimits(
        instance_type=model.jobs.trial.instance_type,
        keep_alive_seconds=fan_out.keep_alive_seconds,
        max_runtime_seconds=model.jobs.trial.max_runtime_seconds,
    )


def _fan_out(validation: CrossValidation) -> candidates.FanOut | None:
    given = validation.fan_out
    if validation.strategy != "fan_out" or given is None:
        return None
    return candidates.FanOut(
        keep_alive_seconds=given.keep_alive_seconds,
        folds_at_once=given.folds_at_once,
        own_fold=given.own_fold,
    )


def _candidate(candidate: Candidate) -> candidates.Candidate:
    return candidates.Candidate(
        name=candidate.name,
        algorithm=candidate.algorithm,
        task=candidate.task,
        feature_set=candidate.feature_set,
        static={name: str(value) for name, value in candidate.static.items()},
        ranges={name: _range(value) for name, value in candidate.ranges.items()},
    )


def _range(value: Range) -> candidates.Range:
    return candidates.Range(
        kind=value.kind,
        minimum=value.minimum,
        maximum=value.maximum,
        values=value.values,
        scaling=value.scaling,
    )


def _spot_compute(compute: SpotCompute) -> spec.Compute:
    wait_seconds = compute.spot_max_wait_seconds if compute.spot else None
    return replace(_compute(compute), spot_max_wait_seconds=wait_seconds)


def _compute(compute: Compute) -> spec.Compute:
    return spec.Compute(
        instance_type=compute.instance_type,
        instance_count=compute.instance_count,
        volume_gib=compute.volume_gib,
        max_runtime_seconds=compute.max_runtime_seconds,
    )
