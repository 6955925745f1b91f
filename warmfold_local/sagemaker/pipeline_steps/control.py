"""Condition and Fail steps: they decide, and make nothing."""

from warmfold_local.sagemaker.conditions import all_hold
from warmfold_local.sagemaker.expressions import ExpressionError, text
from warmfold_local.sagemaker.pipeline_steps.base import Outputs, StepFailedError, StepRun

_MESSAGE_LIMIT = 3072  # botocore, FailStepMetadata


def check_condition(run: StepRun) -> Outputs:
    """``Outcome`` is ``True`` or ``False``, as text; the graph follows the branch."""
    conditions = run.evaluate(run.step.arguments["Conditions"])
    try:
        outcome = str(all_hold(conditions))
    except ExpressionError as error:
        raise StepFailedError(f"ClientError: {error}") from error
    run.announce({"Condition": {"Outcome": outcome}})
    return {"Outcome": outcome}


def fail(run: StepRun) -> Outputs:
    """Always raises ``StepFailedError``, with the message that the definition gives."""
    message = text(run.evaluate(run.step.arguments["ErrorMessage"]))[:_MESSAGE_LIMIT]
    run.announce({"Fail": {"ErrorMessage": message}})
    raise StepFailedError(message)
