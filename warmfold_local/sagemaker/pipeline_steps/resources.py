"""Model and RegisterModel steps: create a resource that needs no compute of its own."""

from warmfold_local.sagemaker.pipeline_steps.base import (
    POLL_SECONDS,
    Outputs,
    StepFailedError,
    StepRun,
    described,
    invoke,
)

_NAME_LIMIT = 63


def create_model(run: StepRun) -> Outputs:
    """The DescribeModel answer of the new model."""
    name = run.resource_name(_NAME_LIMIT)
    request = {**run.evaluate(run.step.arguments), "ModelName": name}
    created = invoke("CreateModel", request, run.cloud)
    run.announce({"Model": {"Arn": created["ModelArn"]}})
    return described("DescribeModel", {"ModelName": name}, run.cloud)


def register_model(run: StepRun) -> Outputs:
    """The DescribeModelPackage answer of the new version, once it is complete."""
    created = invoke("CreateModelPackage", run.evaluate(run.step.arguments), run.cloud)
    arn = created["ModelPackageArn"]
    run.announce({"RegisterModel": {"Arn": arn}})
    while True:
        package = described("DescribeModelPackage", {"ModelPackageName": arn}, run.cloud)
        if package["ModelPackageStatus"] == "Completed":
            return package
        if package["ModelPackageStatus"] == "Failed":
            raise StepFailedError(f"ClientError: model package {arn} failed")
        run.pause(POLL_SECONDS)
