"""Lambda step ``SelectBestTrial``: event in, ``selected_trial.json`` and its URI out."""

from dataclasses import dataclass
from typing import Any, cast

from best_training_job.aws import Trials
from best_training_job.logic import (
    FILE_NAME,
    Candidate,
    Direction,
    Selection,
    best_first,
    final_metrics,
    has_all_folds,
    nothing_to_select,
    select,
)
from warmfold_lambda.clients import client
from warmfold_lambda.events import Reader
from warmfold_lambda.log import Context, Log

# Kinds of candidate, as the pipeline names them; automatic model tuning is the only one yet.
_KINDS = ("amt",)


@dataclass(frozen=True, kw_only=True)
class Request:
    """The step's arguments; ``output_uri`` is the S3 prefix that the final training mounts."""

    candidates: tuple[Candidate, ...]
    folds: int
    metric: str
    direction: Direction
    output_uri: str


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Returns ``selection_uri``, ``training_job_name`` and ``score``, the step's outputs."""
    log = Log("best_training_job", context.aws_request_id)
    return respond(event, Trials(client("sagemaker"), client("s3")), log)


def respond(event: object, aws: Trials, log: Log) -> dict[str, Any]:
    """Raises ``InputError`` for a malformed event, ``NoTrialCompletedError`` if nothing can win."""
    request = parse(event)
    selection = find_best(request, aws)
    uri = request.output_uri.rstrip("/")
    aws.write(f"{uri}/{FILE_NAME}", selection.to_json())
    log.notice(
        "trial_selected",
        training_job_name=selection.training_job_name,
        score=selection.score,
        trials_completed=selection.trials_completed,
        output_uri=uri,
    )
    return {
        "selection_uri": uri,
        "training_job_name": selection.training_job_name,
        "score": selection.score,
    }


def find_best(request: Request, aws: Trials) -> Selection:
    """Describes trials best first until one has all folds: one call when nothing was raced."""
    trials = [trial for candidate in request.candidates for trial in aws.of_candidate(candidate)]
    ranked = best_first(trials, request.direction)
    for trial in ranked:
        description = aws.describe(trial.name)
        if has_all_folds(final_metrics(description), request.folds):
            return select(
                trial,
                description,
                folds=request.folds,
                metric=request.metric,
                trials_completed=len(ranked),
            )
    raise nothing_to_select(request.candidates, trials, request.folds)


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
    )
    for each in readers:
        reader.faults.extend(each.faults)
    reader.finish()
    return request


def _candidate(reader: Reader) -> Candidate:
    reader.text("kind", _KINDS)
    return Candidate(
        name=reader.text("name"),
        algorithm=reader.text("algorithm"),
        job_name=reader.text("job_name"),
    )
