"""What SageMaker calls the jobs of a pipeline's steps.

``pipelines-{execution}-{step}-{10 characters}``, where an execution's id has twelve. A tuning job's
name has at most 32: it begins with the execution's id, and its trials are named after it. The
steps are `Tune-{candidate}`, or `Search-{candidate}` for a training job that tries all of a
candidate's trials itself.
"""

_EXECUTION = "?" * 12

PIPELINE_JOBS = f"pipelines-{_EXECUTION}-*"
SEARCH_JOBS = f"pipelines-{_EXECUTION}-Search-*"
TUNING_JOBS = f"{_EXECUTION}-Tune-*"
# What looks like one: the sweeper reads whose it is before it stops anything.
LIKE_TUNING_JOBS = "*-Tune-*"
# A fold's job is named after its trial.
FOLD_JOBS = f"{TUNING_JOBS}-fold-*"
