"""Lambda step ``SelectBestTrial``: event in; the selection, the champion and their URIs out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from best_training_job import search_job, tuning_job
from best_training_job.aws import Jobs
from best_training_job.champion import Champions
from best_training_job.logic import (
    FILE_NAME,
    KINDS,
    Candidate,
    Direction,
    Kind,
    Outcome,
    Selection,
    Winner,
    best_of,
    search_metrics,
    selection,
)
from warmfold_lambda.clients import client
from warmfold_lambda.events import Reader
from warmfold_lambda.log import Context, Log


@dataclass(frozen=True, kw_only=True)
class Request:
    """The step's arguments; ``output_uri`` is the S3 prefix that the final training mounts.

    ``champion_uri`` is the one that the evaluation finds the group's approved model under.
    """

    candidates: tuple[Candidate, ...]
    folds: int
    metric: str
    direction: Direction
    output_uri: str
    model_package_group_name: str
    champion_uri: str


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Returns ``selection_uri``, ``training_job_name``, ``trial_output_uri`` (the winner's
    ``output.tar.gz``), ``champion_uri`` and ``score``, the step's outputs."""
    log = Log("best_training_job", context.aws_request_id)
    sagemaker, s3 = client("sagemaker"), client("s3")
    return respond(event, Jobs(sagemaker, s3), Champions(sagemaker, s3), log)


def respond(event: object, jobs: Jobs, champions: Champions, log: Log) -> dict[str, Any]:
    """Raises ``InputError`` for a malformed event, ``NoTrialCompletedError`` if nothing can win,
    and ``LambdaError`` if the candidates' scores cannot be compared."""
    request = parse(event)
    outcomes = [_outcome(candidate, request, jobs) for candidate in request.candidates]
    log.metrics(request.model_package_group_name, **search_metrics(outcomes))
    best, selected = find_best(request, outcomes)
    uri = request.output_uri.rstrip("/")
    jobs.write(f"{uri}/{FILE_NAME}", selected.to_json())
    champion_uri = request.champion_uri.rstrip("/")
    champion = champions.lay_out(request.model_package_group_name, champion_uri)
    log.notice(
        "trial_selected",
        training_job_name=selected.training_job_name,
        score=selected.score,
        trials_completed=selected.trials_completed,
        output_uri=uri,
        champion_version=champion,
    )
    return {
        "selection_uri": uri,
        "training_job_name": selected.training_job_name,
        "trial_output_uri": best.output_uri,
        "champion_uri": champion_uri,
        "score": selected.score,
    }


def find_best(request: Request, outcomes: Sequence[Outcome]) -> tuple[Winner, Selection]:
    """The best of each candidate's best trial."""
    best = best_of(outcomes, folds=request.folds, direction=request.direction)
    return best, selection(best, outcomes, folds=request.folds, metric=request.metric)


def _outcome(candidate: Candidate, request: Request, jobs: Jobs) -> Outcome:
    folds, direction = request.folds, request.direction
    if candidate.kind == "amt":
        return tuning_job.outcome(candidate, jobs, folds=folds, direction=direction)
    return search_job.outcome(
        candidate, jobs, folds=folds, metric=request.metric, direction=direction
    )


def parse(event: object) -> Request:
    """Raises ``InputError`` naming every malformed member."""
    reader = Reader(event)
    readers = [
        Reader(item, f"input.candidates[{index}]")
        for index, item in enumerate(reader.objects("candidates"))
    ]
    request = Request(
        candidates=tuple(_candidate(each) for each in readers),
        folds=reader.whole_number("folds", minimum=2),
        metric=reader.text("metric"),
        direction=cast("Direction", reader.text("direction", ("Maximize", "Minimize"))),
        output_uri=reader.s3_uri("output_uri"),
        model_package_group_name=reader.text("model_package_group_name"),
        champion_uri=reader.s3_uri("champion_uri"),
    )
    for each in readers:
        reader.faults.extend(each.faults)
    reader.finish()
    return request


def _candidate(reader: Reader) -> Candidate:
    return Candidate(
        kind=cast("Kind", reader.text("kind", KINDS)),
        name=reader.text("name"),
        algorithm=reader.text("algorithm"),
        task=reader.text("task"),
        feature_set=reader.text("feature_set"),
        job_name=reader.text("job_name"),
    )
