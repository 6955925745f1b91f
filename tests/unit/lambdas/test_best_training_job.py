"""Selecting the best trial over all tuning jobs of an execution."""

import gzip
import io
import itertools
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from best_training_job.archive import MAX_OBJECT_BYTES, MAX_UNPACKED_BYTES
from best_training_job.aws import Jobs
from best_training_job.champion import Champions
from best_training_job.handler import parse, respond
from best_training_job.logic import Candidate, Direction, NoTrialCompletedError, Trial, best_first
from best_training_job.tuning_job import algorithm_hyperparameters, winner
from tests.unit.lambdas.aids import LOG, Stub, event, playing
from warmfold_contract import hyperparameters as contract_keys
from warmfold_contract import metrics as contract_metrics
from warmfold_contract.selection import FILE_NAME, SelectedTrial
from warmfold_contract.trials import SearchedTrials, TrialRow
from warmfold_lambda.errors import InputError, LambdaError

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


def test_the_best_trial_over_all_candidates_wins() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74), summary("t2", 0.78)]])
    service.describes("t2", final_metrics(0.78))
    service.validated("t2")
    service.lists(LINEAR, [[summary("t3", 0.77)]])
    service.describes("t3", final_metrics(0.77))
    service.validated("t3")
    service.stores_the_selection()

    output = service.run()

    assert output == {
        "selection_uri": "s3://warmfold-artifacts/german-credit/executions/a1b2c3d4e5f6/selection",
        "training_job_name": "t2",
        "trial_output_uri": "s3://warmfold-artifacts/tuning/t2/output/output.tar.gz",
        "champion_uri": "s3://warmfold-artifacts/german-credit/executions/a1b2c3d4e5f6/champion",
        "score": 0.78,
    }


def test_what_is_written_is_what_the_trainer_image_reads() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74)]])
    hyperparameters = {
        "num_leaves": '"31"',
        "learning_rate": "0.1",
        "warmfold_mode": "trial",
        "warmfold_algorithm": "lightgbm-gbdt",
        "_tuning_objective_metric": '"validation:score"',
    }
    service.describes("t1", final_metrics(0.74), hyperparameters=hyperparameters)
    service.validated("t1")
    service.lists(LINEAR, [[summary("t3", 0.7)]])
    service.describes("t3", final_metrics(0.7))
    service.validated("t3")
    service.stores_the_selection()

    service.run()

    assert SelectedTrial.from_json(service.written[0]) == SelectedTrial(
        kind="amt",
        candidate="gbdt",
        algorithm="lightgbm-gbdt",
        task="classification",
        feature_set="default",
        hyperparameters={"num_leaves": "31", "learning_rate": "0.1"},
        rounds=120,
        metric="auc",
        score=0.74,
        score_std=0.01,
        training_score=0.79,
        folds=5,
        fold_hash="f01d",
        fold_scores=(0.74,) * 5,
        job_name=GBDT,
        trial="t1",
        training_job_name="t1",
        trials_completed=2,
    )


def test_names_agree_with_the_containers_contract() -> None:
    assert URI_KEY.endswith(f"/{FILE_NAME}")
    platform = (contract_keys.MODE, contract_keys.ALGORITHM, contract_keys.RACING)
    reserved = dict.fromkeys((*platform, "_tuning_objective_metric", "sagemaker_job"), "x")
    assert algorithm_hyperparameters(reserved) == {}
    names = {definition["Name"] for definition in contract_metrics.metric_definitions(5)}
    assert set(final_metrics(0.5)) == names


def test_a_trial_that_was_raced_out_does_not_win_however_good_it_looks() -> None:
    service = Service()
    service.lists(GBDT, [[summary("raced", 0.99), summary("full", 0.74)]])
    service.describes("raced", final_metrics(0.99) | {"training:folds_completed": 2.0})
    service.describes("full", final_metrics(0.74))
    service.validated("full")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "full"


def test_a_lower_score_wins_when_the_metric_is_minimised() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74), summary("t2", 0.52)]])
    service.describes("t2", final_metrics(0.52))
    service.validated("t2")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()

    request = event("select_best_trial") | {"metric": "log_loss", "direction": "Minimize"}
    assert service.run(request)["training_job_name"] == "t2"


def test_all_pages_of_trials_are_read() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.7)], [summary("t2", 0.71)], [summary("t3", 0.9)]])
    service.describes("t3", final_metrics(0.9))
    service.validated("t3")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "t3"


def test_failed_stopped_and_scoreless_trials_cannot_win() -> None:
    service = Service()
    trials = [
        summary("failed", 0.9, status="Failed", reason="AlgorithmError: boom"),
        summary("stopped", 0.9, status="Stopped"),
        summary("running", 0.9, status="InProgress"),
        summary("silent"),
        summary("good", 0.6),
    ]
    service.lists(GBDT, [trials])
    service.describes("good", final_metrics(0.6))
    service.validated("good")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "good"


def test_if_nothing_can_win_the_error_says_what_happened_to_each_candidate() -> None:
    service = Service()
    reason = "AlgorithmError: raw.csv has no column 'age', exit code: 1"
    failed = [summary(f"f{i}", status="Failed", reason=reason) for i in range(3)]
    service.lists(GBDT, [[*failed, summary("stopped", status="Stopped"), summary("raced", 0.9)]])
    service.describes("raced", {"training:folds_completed": 1.0})
    service.lists(LINEAR, [[]])

    with pytest.raises(NoTrialCompletedError) as caught:
        service.run()

    message = str(caught.value)
    assert message.startswith("no trial completed all 5 folds")
    assert f"{GBDT}: 3 × Failed ({reason}), 1 × Stopped, 1 × Completed without all" in message
    assert f"{LINEAR}: no trial" in message
    assert service.written == []


def test_the_summary_of_many_failures_fits_a_failure_reason() -> None:
    service = Service()
    trials = [summary(f"f{i}", status="Failed", reason=f"{i} " + "x" * 900) for i in range(40)]
    service.lists(GBDT, [trials])
    service.lists(LINEAR, [[]])

    with pytest.raises(NoTrialCompletedError) as caught:
        service.run()

    assert len(str(caught.value)) <= 1000


def test_a_searchs_best_trial_competes_with_those_of_a_tuning_job() -> None:
    service = Service()
    trials = searched(
        row("gbdt-0001", 0.77), row("gbdt-0002", 0.79), row("gbdt-0003", None, folds=2)
    )
    service.searched(packed("trials.json", trials))
    service.lists(LINEAR, [[summary("t3", 0.78)]])
    service.describes("t3", final_metrics(0.78))
    service.validated("t3")
    service.stores_the_selection()

    output = service.run(search_event(event("select_best_trial")["candidates"][1]))

    assert output["training_job_name"] == SEARCH
    place = f"s3://warmfold-artifacts/tuning/{SEARCH}/output/output.tar.gz"
    assert output["trial_output_uri"] == place
    selected = SelectedTrial.from_json(service.written[0])
    assert (selected.kind, selected.trial, selected.score) == ("in_job", "gbdt-0002", 0.79)
    assert (selected.job_name, selected.rounds, selected.fold_hash) == (SEARCH, 80, "f01d")
    assert selected.hyperparameters == {"num_leaves": "31", "learning_rate": "0.1"}
    assert selected.trials_completed == 3


def test_equal_scores_of_a_search_go_to_the_trial_begun_first() -> None:
    service = Service()
    later = row("a", 0.7, started="2026-03-02T09:05:00.000+00:00")
    service.searched(packed("trials.json", searched(later, row("b", 0.7))))
    service.stores_the_selection()

    service.run(search_event())

    assert SelectedTrial.from_json(service.written[0]).trial == "b"


def test_a_search_that_is_not_packed_is_read_beside_the_model() -> None:
    service = Service()
    service.describes(SEARCH, {}, uri="s3://warmfold-artifacts/search/model/")
    service.holds("search/model/trials.json", searched(row("b", 0.7)).encode())
    service.stores_the_selection()

    assert service.run(search_event())["score"] == 0.7


def test_candidates_that_were_scored_on_different_folds_are_not_compared() -> None:
    service = Service()
    service.searched(packed("trials.json", searched(row("b", 0.7))))
    service.lists(LINEAR, [[summary("t3", 0.78)]])
    service.describes("t3", final_metrics(0.78))
    service.validated("t3", fold_hash="0ther")

    with pytest.raises(LambdaError, match=r"scored on different folds .*f01d.*0ther"):
        service.run(search_event(event("select_best_trial")["candidates"][1]))

    assert service.written == []


@pytest.mark.parametrize("members", [{"folds": 4}, {"metric": "ks"}])
def test_a_search_by_other_rules_than_the_executions_is_refused(members: dict[str, Any]) -> None:
    service = Service()
    service.searched(packed("trials.json", searched(row("b", 0.7), **members)))

    with pytest.raises(LambdaError, match=f"has {next(iter(members))} "):
        service.run(search_event())


def test_a_search_without_a_complete_trial_says_what_became_of_its_trials() -> None:
    service = Service()
    failed = row("a", None, folds=0, status="Failed", reason="no finite score")
    half = row("b", None, folds=2, reason="behind the best trial")
    service.searched(packed("trials.json", searched(failed, half)))

    with pytest.raises(NoTrialCompletedError) as caught:
        service.run(search_event())

    assert "1 × Failed (no finite score), 1 × Stopped (behind the best trial)" in str(caught.value)


def test_a_search_job_that_failed_is_named_with_its_reason() -> None:
    service = Service()
    service.describes(SEARCH, {}, status="Stopped")

    with pytest.raises(LambdaError, match=f"search job {SEARCH} is Stopped"):
        service.run(search_event())


@pytest.mark.parametrize(
    "content,fault",
    [
        (b"not gzip", "is not a readable gzip tar"),
        (gzip.compress(b"not tar"), "is not a readable gzip tar"),
        (packed("other.json", "{}"), "holds no trials.json"),
        (packed("../trials.json", "{}"), "holds no trials.json"),
        (packed("trials.json", "{"), "trials.json in .* is not JSON"),
        (packed("trials.json", "[]"), "is not a JSON object"),
        (gzip.compress(bytes(MAX_UNPACKED_BYTES + 1)), "when unpacked"),
    ],
)
def test_an_archive_that_is_not_a_searchs_is_refused(content: bytes, fault: str) -> None:
    service = Service()
    service.searched(content)

    with pytest.raises(LambdaError, match=fault):
        service.run(search_event())


def test_an_archive_that_is_too_big_is_not_even_read() -> None:
    service = Service()
    service.describes(SEARCH, {})
    service.holds(f"{SEARCH}/model.tar.gz", b"", says_bytes=MAX_OBJECT_BYTES + 1)

    with pytest.raises(LambdaError, match="too big"):
        service.run(search_event())


def test_rows_without_a_member_are_a_fault_of_the_deployment() -> None:
    values = json.loads(searched(row("b", 0.7)))
    del values["trials"][0]["folds_completed"]
    service = Service()
    service.searched(packed("trials.json", json.dumps(values)))

    with pytest.raises(LambdaError, match=r"folds_completed.*same commit"):
        service.run(search_event())


def test_a_winner_without_a_metric_it_must_have_is_a_fault_of_the_deployment() -> None:
    trial = Trial(candidate=CANDIDATE, name="t1", status="Completed", created=START, objective=0.5)
    values = final_metrics(0.5)
    del values["training:rounds"], values["validation:fold_3_score"]

    with pytest.raises(LambdaError, match="training:rounds, validation:fold_3_score"):
        winner(trial, description("t1", values), folds=5, fold_hash="f01d")


def test_a_malformed_event_names_every_fault_and_makes_no_call() -> None:
    broken = {
        "candidates": [{"kind": "grid", "name": "a", "algorithm": "", "task": "classification"}],
        "folds": 1,
        "metric": "auc",
        "direction": "maximise",
        "output_uri": "bucket/selection",
    }

    with pytest.raises(InputError) as caught:
        Service().run(broken)

    message = str(caught.value)
    for place in ("candidates[0].kind", "candidates[0].algorithm", "folds", "direction"):
        assert f"input.{place}" in message
    assert "input.output_uri" in message


def test_folds_may_arrive_as_text() -> None:
    assert parse(event("select_best_trial") | {"folds": "5"}).folds == 5


SCORES = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(
    objectives=st.lists(st.tuples(SCORES, st.integers(0, 3)), max_size=12),
    direction=st.sampled_from(["Maximize", "Minimize"]),
)
def test_ranking_is_by_objective_then_age_and_ignores_what_is_not_a_number(
    objectives: list[tuple[float | None, int]], direction: Direction
) -> None:
    trials = [
        Trial(
            candidate=CANDIDATE,
            name=f"t{index:02}",
            status="Completed",
            created=START + timedelta(minutes=minute),
            objective=objective,
        )
        for index, (objective, minute) in enumerate(objectives)
    ]

    ranked = best_first(trials, direction)

    assert all(trial.eligible for trial in ranked)
    assert len(ranked) == sum(trial.eligible for trial in trials)
    for better, worse in itertools.pairwise(ranked):
        assert better.objective is not None
        assert worse.objective is not None
        if better.objective == worse.objective:
            assert (better.created, better.name) < (worse.created, worse.name)
        else:
            assert (better.objective > worse.objective) == (direction == "Maximize")
