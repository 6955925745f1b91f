"""UpdateTrainingJob: of what it may change, the keep-alive period of a job's warm pool."""

from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.capacity import keep_alive
from warmfold_local.sagemaker.jobs import find_job
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.training import TRAINING

_NOT_DONE = ("ProfilerConfig", "ProfilerRuleConfigurations", "RemoteDebugConfig")


@operation("UpdateTrainingJob")
def update_training_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """``KeepAlivePeriodInSeconds`` 0 ends an Available pool at once, one in use at its end."""
    name = request["TrainingJobName"]
    record = find_job(cloud, TRAINING, name)
    for member in _NOT_DONE:
        if request.get(member) is not None:
            raise UnsupportedOperation("UpdateTrainingJob", f"member {member} of")
    if request.get("ResourceConfig") is None:
        raise ValidationError("UpdateTrainingJob must name a ResourceConfig.")
    keep_alive(cloud, name, request["ResourceConfig"]["KeepAlivePeriodInSeconds"])
    return {"TrainingJobArn": record["TrainingJobArn"]}
