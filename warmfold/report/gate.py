"""What the gate decided about a run, with its numbers."""

from warmfold.errors import RunFailedError
from warmfold.report.charts import metric_name
from warmfold.report.collect import minimum_score, read_evaluation
from warmfold.runs.aws import Aws
from warmfold.runs.records import Run


def refusal(aws: Aws, run: Run) -> RunFailedError:
    """The error for a run whose model was registered as Rejected: its score, and the minimum."""
    evaluation = read_evaluation(aws, run)
    minimum = minimum_score(aws, run)
    side, bound = (
        ("below the minimum", "at least") if run.maximize else ("above the maximum", "at most")
    )
    asked = "" if minimum is None else f", and {bound} {minimum:g} is asked for"
    return RunFailedError(
        "the gate",
        f"the hold-out score is {side}: {metric_name(evaluation.metric)} is "
        f"{evaluation.score:.4f}{asked}; the model is registered as Rejected",
    )
