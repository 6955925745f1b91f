"""Models, configurations and endpoints of one test, and the way back from a bad one."""

import io
import json
import tarfile
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for


class Hosting:
    """Makes models, configurations and endpoints of one test, and deletes the endpoints."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self.sagemaker = cloud.client("sagemaker")
        self.prefix = f"t{time.time_ns()}"
        self._count = 0
        self._endpoints: list[str] = []

    def model_data(self, text: str) -> str:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("model.txt")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        self.cloud.client("s3").create_bucket(Bucket="models")
        key = f"{self.prefix}-{text}.tar.gz"
        self.cloud.client("s3").put_object(Bucket="models", Key=key, Body=packed.getvalue())
        return f"s3://models/{key}"

    def config(self, image: str, data: str | None = None, role: str = ROLE, **variant: Any) -> str:
        """A new configuration with one new model; returns its name."""
        self._count += 1
        name = f"{self.prefix}-{self._count}"
        container: dict[str, Any] = {"Image": image, "Environment": {"TEST_OF": name}}
        container |= {} if data is None else {"ModelDataUrl": data}
        self.sagemaker.create_model(
            ModelName=name,
            PrimaryContainer=container,
            ExecutionRoleArn=role,
            EnableNetworkIsolation=True,
        )
        settings = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2, **variant}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{"VariantName": "main", "ModelName": name, **settings}],
        )
        return name

    def create(self, config: str) -> str:
        name = f"{config}-endpoint"
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self._endpoints.append(name)
        return name

    def settled(self, name: str) -> dict[str, Any]:
        def described() -> dict[str, Any] | None:
            found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            return found if found["EndpointStatus"] in ("InService", "Failed") else None

        found: dict[str, Any] = wait_for(described, f"{name} settled")
        return found

    def invoke(self, name: str, body: bytes = b"x", **members: Any) -> dict[str, Any]:
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, Body=body, **members
        )
        return {**answer, "Body": json.loads(answer["Body"].read())}

    def invoke_error(self, name: str, body: bytes, **members: Any) -> dict[str, Any]:
        with pytest.raises(ClientError) as caught:
            self.invoke(name, body, **members)
        response: dict[str, Any] = dict(caught.value.response)
        return response

    def delete_all(self) -> None:
        for name in self._endpoints:
            self.settled(name)
            self.sagemaker.delete_endpoint(EndpointName=name)
        wait_for(lambda: not any(map(self.exists, self._endpoints)), "the endpoints' deletion")
        self._endpoints.clear()

    def exists(self, name: str) -> bool:
        found = self.sagemaker.list_endpoints(NameContains=name)["Endpoints"]
        return any(endpoint["EndpointName"] == name for endpoint in found)


def canary(alarm: str) -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    traffic = {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": size}
    policy = {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": 0}
    rollback = {"Alarms": [{"AlarmName": alarm}]}
    return {"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": rollback}


def error_rate(hosting: Hosting, endpoint: str) -> str:
    """The platform's own kind of alarm, by expression, as its stack makes it; its name."""
    name = f"{endpoint}-errors"
    dimensions = {"EndpointName": endpoint, "VariantName": "main"}

    def stat(identifier: str, metric: str) -> dict[str, Any]:
        listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        of = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": listed}
        query = {"Metric": of, "Period": 60, "Stat": "Sum"}
        return {"Id": identifier, "MetricStat": query, "ReturnData": False}

    expression = "IF(invocations > 0, 100 * errors / invocations, 0)"
    properties = {
        "AlarmName": name,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10,
        "EvaluationPeriods": 1,
        "TreatMissingData": "notBreaching",
        "Metrics": [
            {"Id": "rate", "Expression": expression},
            stat("errors", "InvocationModelErrors"),
            stat("invocations", "Invocations"),
        ],
    }
    template = {"Resources": {"Rate": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}
    stacks = hosting.cloud.client("cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    return name
