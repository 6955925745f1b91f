"""Answers of SageMaker and S3 that the best-job function is tested with."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.response import StreamingBody

from best_training_job.aws import Jobs
from best_training_job.champion import Champions
from best_training_job.handler import respond
from best_training_job.logic import Candidate
from tests.unit.lambdas.aids import LOG, Stub, event, playing
from warmfold_contract.trials import SearchedTrials, TrialRow

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GBDT = "a1b2c3d4e5f6-Tune-gb-0123456789"
SEARCH = "pipelines-a1b2c3d4e5f6-Search-gb-0123456789"
LINEAR = "a1b2c3d4e5f6-Tune-li-abcdefghij"
URI_KEY = "german-credit/executions/a1b2c3d4e5f6/selection/selected_trial.json"
CHAMPION_KEY = "german-credit/executions/a1b2c3d4e5f6/champion/champion.json"
CANDIDATE = Candidate(
    kind="amt", name="c", algorithm="a", task="classification", feature_set="default", job_name="j"
)


def summary(
    name: str,
    objective: float | None = None,
    *,
    status: str = "Completed",
    minute: int = 0,
    reason: str = "",
) -> dict[str, Any]:
    """One entry of ListTrainingJobsForHyperParameterTuningJob."""
    entry: dict[str, Any] = {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
        "CreationTime": START + timedelta(minutes=minute),
        "TrainingJobStatus": status,
        "TunedHyperParameters": {"num_leaves": "31"},
    }
    if objective is not None:
        entry["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "MetricName": "validation:score",
            "Value": objective,
        }
    if reason:
        entry["FailureReason"] = reason
    return entry


def final_metrics(score: float, folds: int = 5) -> dict[str, float]:
    values = {
        "validation:score": score,
        "training:score": score + 0.05,
        "validation:score_std": 0.01,
        "training:folds_completed": float(folds),
        "training:rounds": 120.0,
    }
    return values | {f"validation:fold_{fold}_score": score for fold in range(1, folds + 1)}


def row(name: str, score: float | None, *, folds: int = 5, **members: Any) -> TrialRow:
    """One trial of a search; those without a score were raced out after ``folds`` folds."""
    values: dict[str, Any] = {
        "name": name,
        "status": "Completed" if score is not None else "Stopped",
        "hyperparameters": {"num_leaves": "31", "learning_rate": "0.1"},
        "fold_scores": (0.5 if score is None else score,) * folds,
        "score": score,
        "score_std": None if score is None else 0.01,
        "training_score": None if score is None else 0.9,
        "rounds": None if score is None else 80,
        "folds_completed": folds,
        "started": "2026-03-02T09:00:00.000+00:00",
        "ended": "2026-03-02T09:01:00.000+00:00",
    }
    return TrialRow(**{**values, **members})


def searched(*rows: TrialRow, **members: Any) -> str:
    values: dict[str, Any] = {
        "candidate": "gbdt",
        "algorithm": "lightgbm",
        "task": "classification",
        "feature_set": "default",
        "metric": "auc",
        "folds": 5,
        "fold_hash": "f01d",
        "data_fingerprint": "da7a",
        "trials": rows,
    }
    return SearchedTrials(**{**values, **members}).to_json()


def packed(name: str, text: str) -> bytes:
    """A job's model.tar.gz."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(text.encode())
        tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def search_event(*others: dict[str, Any]) -> dict[str, Any]:
    """The recorded event with a search in place of the first candidate's tuning job."""
    values = event("select_best_trial")
    first = values["candidates"][0] | {"kind": "in_job", "job_name": SEARCH}
    return values | {"candidates": [first, *others]}


def description(
    name: str,
    values: Mapping[str, float],
    hyperparameters: Mapping[str, str] | None = None,
    status: str = "Completed",
    uri: str = "",
) -> dict[str, Any]:
    """A DescribeTrainingJob answer with what the API requires and what the function reads."""
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
        "TrainingJobStatus": status,
        "SecondaryStatus": "Completed",
        "CreationTime": START,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 10,
        },
        "ModelArtifacts": {
            "S3ModelArtifacts": uri or f"s3://warmfold-artifacts/{name}/model.tar.gz"
        },
        "OutputDataConfig": {"S3OutputPath": "s3://warmfold-artifacts/tuning/"},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "HyperParameters": dict(hyperparameters or {"num_leaves": "31"}),
        "FinalMetricDataList": [
            {"MetricName": key, "Value": value, "Timestamp": START} for key, value in values.items()
        ],
    }


@dataclass
class Service:
    """SageMaker and S3, stubbed with the trials of the recorded event's two tuning jobs."""

    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    s3: Stub = field(default_factory=lambda: Stub("s3"))
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # The body is what the tests read; Stubber sees every other parameter.
        self.s3.client.meta.events.register("provide-client-params.s3.PutObject", self._take_body)

    def lists(self, job: str, pages: Sequence[Sequence[dict[str, Any]]]) -> None:
        token: str | None = None
        for index, page in enumerate(pages):
            request: dict[str, Any] = {"HyperParameterTuningJobName": job, "MaxResults": 100}
            if token is not None:
                request["NextToken"] = token
            answer: dict[str, Any] = {"TrainingJobSummaries": list(page)}
            token = f"page-{index + 1}"
            if index + 1 < len(pages):
                answer["NextToken"] = token
            self.sagemaker.answers(
                "list_training_jobs_for_hyper_parameter_tuning_job", answer, **request
            )

    def describes(self, name: str, values: Mapping[str, float], **more: Any) -> None:
        self.sagemaker.answers(
            "describe_training_job", description(name, values, **more), TrainingJobName=name
        )

    def holds(self, key: str, content: bytes, *, says_bytes: int | None = None) -> None:
        """An object that the function reads; by default it has as many bytes as it says."""
        answer = {
            "Body": StreamingBody(io.BytesIO(content), len(content)),
            "ContentLength": len(content) if says_bytes is None else says_bytes,
        }
        self.s3.answers("get_object", answer, Bucket="warmfold-artifacts", Key=key)

    def validated(self, name: str, fold_hash: str = "f01d") -> None:
        """A trial's artifact."""
        text = json.dumps({"fold_hash": fold_hash})
        self.holds(f"{name}/model.tar.gz", packed("cross_validation.json", text))

    def searched(self, content: bytes, **more: Any) -> None:
        """A search job and its artifact."""
        self.describes(SEARCH, {}, **more)
        self.holds(f"{SEARCH}/model.tar.gz", content)

    def stores_the_selection(self) -> None:
        """And finds no champion."""
        self.s3.answers("put_object", {})
        self.sagemaker.answers("list_model_packages", {"ModelPackageSummaryList": []})
        self.s3.answers("put_object", {})

    def run(self, values: object = None) -> dict[str, Any]:
        with playing(self.sagemaker, self.s3):
            return respond(
                event("select_best_trial") if values is None else values,
                Jobs(self.sagemaker.client, self.s3.client),
                Champions(self.sagemaker.client, self.s3.client),
                LOG,
            )

    def _take_body(self, params: dict[str, Any], **_: Any) -> None:
        assert params["Bucket"] == "warmfold-artifacts"
        if params["Key"] == URI_KEY:
            self.written.append(params["Body"].decode())
        else:
            assert params["Key"] == CHAMPION_KEY
