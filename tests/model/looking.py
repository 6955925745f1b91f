"""What a client sees of the control plane, and the request of a tuning job."""

from collections.abc import Callable
from typing import Any

from tests.model.reference import Refused
from tests.unit.local.jobs_support import Bench, training_request
from warmfold_local.errors import ServiceError

METRICS = [{"Name": "score", "Regex": "score=([0-9.]+)"}]


class Looking:
    """Questions to the control plane of ``bench``, and to the model beside it."""

    bench: Bench

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.bench.call(operation, **request)

    def both(self, expected: Callable[[], Any], operation: str, **request: Any) -> bool:
        """Ask both; whether they did it. They refuse the same, with the same code."""
        try:
            expected()
            refusal = None
        except Refused as refused:
            refusal = str(refused)
        try:
            self.call(operation, **request)
            answer = None
        except ServiceError as error:
            answer = error.code
        assert answer == refusal, f"{operation} {request}"
        return answer is None

    def job_status(self, name: str) -> str:
        return str(self.call("DescribeTrainingJob", TrainingJobName=name)["TrainingJobStatus"])

    def tuning(self, name: str) -> dict[str, Any]:
        return self.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName=name)

    def trials(self, name: str) -> list[dict[str, Any]]:
        asked = {"HyperParameterTuningJobName": name}
        operation = "ListTrainingJobsForHyperParameterTuningJob"
        return self.pages(operation, "TrainingJobSummaries", MaxResults=2, **asked)

    def endpoint(self, name: str) -> dict[str, Any]:
        return self.call("DescribeEndpoint", EndpointName=name)

    def listed_endpoints(self) -> dict[str, str]:
        found = self.pages("ListEndpoints", "Endpoints", MaxResults=2)
        return {item["EndpointName"]: item["EndpointStatus"] for item in found}

    def package_arn(self, name: str, version: int) -> str:
        return self.bench.cloud.arn(f"model-package/{name}/{version}")

    def pages(self, operation: str, result: str, **request: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.call(operation, **request)
            found += page[result]
            if page.get("NextToken") is None:
                return found
            request["NextToken"] = page["NextToken"]


def tuning_request(image: str, name: str, trials: int) -> dict[str, Any]:
    job = training_request(image)
    definition = {
        "AlgorithmSpecification": {**job["AlgorithmSpecification"], "MetricDefinitions": METRICS},
        "HyperParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]
        },
        **{k: job[k] for k in ("RoleArn", "OutputDataConfig", "ResourceConfig")},
        "StoppingCondition": job["StoppingCondition"],
    }
    limits = {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": trials}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": limits,
        },
        "TrainingJobDefinition": definition,
    }
