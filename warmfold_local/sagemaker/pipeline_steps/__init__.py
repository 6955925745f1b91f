"""One executor for each type of pipeline step that can be executed here.

An executor runs a step to its end and returns what ``Get`` finds under ``Steps.<name>``; it
raises ``StepFailedError`` or ``StepStoppedError``.
"""

from collections.abc import Mapping

from warmfold_local.sagemaker.pipeline_steps.base import Executor
from warmfold_local.sagemaker.pipeline_steps.callbacks import wait_for_answer
from warmfold_local.sagemaker.pipeline_steps.control import check_condition, fail
from warmfold_local.sagemaker.pipeline_steps.functions import invoke_function
from warmfold_local.sagemaker.pipeline_steps.jobs import JOB_KINDS, run_job
from warmfold_local.sagemaker.pipeline_steps.resources import create_model, register_model

EXECUTORS: Mapping[str, Executor] = {
    **dict.fromkeys(JOB_KINDS, run_job),
    "Callback": wait_for_answer,
    "Condition": check_condition,
    "Fail": fail,
    "Lambda": invoke_function,
    "Model": create_model,
    "RegisterModel": register_model,
}
