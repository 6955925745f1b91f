"""Which folds and pools a sweep ends, and which it leaves alone."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sweep_folds.aws import Folds
from sweep_folds.handler import respond
from sweep_folds.logic import parent, stem
from sweep_folds.sweep import Sweep
from tests.unit.lambdas.aids import LOG, Stub, log_lines, playing
from warmfold_trainer.fan_out import request
from warmfold_trainer.fan_out.names import fold_job_name

TRIAL = "pipelines-abc-Tune-gbdt-x-001-0a1b2c3d"
FOLD = f"{TRIAL}-fold-01-0"
GROUP = "warmfold-test-credit"
TUNING_ARN = "arn:aws:sagemaker:us-east-1:000000000000:hyper-parameter-tuning-job/pipelines-abc"


def arn(name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name.lower()}"


def tags(trial: str = TRIAL, role: str = "folds") -> dict[str, Any]:
    values = {"warmfold:parent": trial, "warmfold:fold": "1", "warmfold:fold-role": role}
    return {"Tags": [{"Key": key, "Value": value} for key, value in values.items()]}


@dataclass
class Account:
    """SageMaker, stubbed. ``waited`` are the pauses that a sweep made, in seconds."""

    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    waited: list[float] = field(default_factory=list)
    calls_with_time: int = 1000

    def running(self, *pages: list[str]) -> "Account":
        return self._lists({"NameContains": "-Tune-", "StatusEquals": "InProgress"}, pages)

    def pools(self, *names: str) -> "Account":
        wanted = {"NameContains": "-fold-", "WarmPoolStatusEquals": "Available"}
        return self._lists(wanted, ([*names],))

    def tagged(self, name: str, answer: dict[str, Any]) -> "Account":
        self.sagemaker.answers("list_tags", answer, ResourceArn=arn(name))
        return self

    def trial(self, status: str, name: str = TRIAL, **members: Any) -> "Account":
        answer = {**_DESCRIBED, "TrainingJobStatus": status, **members}
        self.sagemaker.answers("describe_training_job", answer, TrainingJobName=name)
        return self

    def no_trial(self, name: str = TRIAL) -> "Account":
        message = "Requested resource not found."
        self.sagemaker.refuses(
            "describe_training_job", "ValidationException", message, TrainingJobName=name
        )
        return self

    def search(self, status: str) -> "Account":
        self.sagemaker.answers(
            "describe_hyper_parameter_tuning_job",
            {**_SEARCH, "HyperParameterTuningJobStatus": status},
            HyperParameterTuningJobName="pipelines-abc",
        )
        return self

    def stops(self, *names: str) -> "Account":
        for name in names:
            self.sagemaker.answers("stop_training_job", {}, TrainingJobName=name)
        return self

    def ends_pool(self, name: str) -> "Account":
        zero = {"KeepAlivePeriodInSeconds": 0}
        self.sagemaker.answers(
            "update_training_job",
            {"TrainingJobArn": arn(name)},
            TrainingJobName=name,
            ResourceConfig=zero,
        )
        return self

    def sweep(self) -> dict[str, Any]:
        sweep = Sweep(
            aws=Folds(self.sagemaker.client),
            fold_role="folds",
            has_time=self._has_time,
            wait=self.waited.append,
        )
        with playing(self.sagemaker):
            return respond(sweep, GROUP, LOG)

    def _has_time(self) -> bool:
        self.calls_with_time -= 1
        return self.calls_with_time >= 0

    def _lists(self, wanted: dict[str, Any], pages: tuple[list[str], ...]) -> "Account":
        for index, names in enumerate(pages):
            answer: dict[str, Any] = {"TrainingJobSummaries": [_summary(name) for name in names]}
            if index + 1 < len(pages):
                answer["NextToken"] = f"page-{index + 1}"
            asked = wanted | {"MaxResults": 100}
            if index > 0:
                asked["NextToken"] = f"page-{index}"
            self.sagemaker.answers("list_training_jobs", answer, **asked)
        return self


_DESCRIBED = {
    "TrainingJobName": TRIAL,
    "TrainingJobArn": arn(TRIAL),
    "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
    "SecondaryStatus": "Failed",
    "AlgorithmSpecification": {"TrainingInputMode": "File"},
    "ResourceConfig": {"VolumeSizeInGB": 1},
    "StoppingCondition": {},
    "CreationTime": 0,
}
_SEARCH = {
    "HyperParameterTuningJobName": "pipelines-abc",
    "HyperParameterTuningJobArn": TUNING_ARN,
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "ResourceLimits": {"MaxParallelTrainingJobs": 1},
    },
    "CreationTime": 0,
    "TrainingJobStatusCounters": {},
    "ObjectiveStatusCounters": {},
}


def _summary(name: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": arn(name),
        "CreationTime": 0,
        "TrainingJobStatus": "InProgress",
    }


@pytest.fixture
def account() -> Account:
    return Account()


def test_the_folds_of_a_live_trial_cost_no_call_of_their_own(account: Account) -> None:
    account.running([TRIAL], [FOLD, fold_job_name(TRIAL, 2, 0)]).pools()
    assert account.sweep() == {"folds_stopped": 0, "pools_ended": 0, "left": 0}
    assert account.waited == []


@pytest.mark.parametrize("status", ["Failed", "Completed", "Stopped"])
def test_the_folds_of_a_trial_that_has_ended_are_stopped_a_second_apart(
    account: Account, status: str
) -> None:
    second = fold_job_name(TRIAL, 2, 1)
    account.running([FOLD, second]).tagged(FOLD, tags()).trial(status).stops(FOLD)
    account.tagged(second, tags()).stops(second).pools()
    assert account.sweep()["folds_stopped"] == 2
    assert account.waited == [1.0, 1.0]


def test_the_folds_of_a_trial_that_is_gone_are_stopped(account: Account) -> None:
    account.running([FOLD]).tagged(FOLD, tags()).no_trial().stops(FOLD).pools()
    assert account.sweep()["folds_stopped"] == 1


@pytest.mark.parametrize("status", ["Stopping", "InProgress"])
def test_a_trial_that_is_stopping_stops_its_folds_itself(account: Account, status: str) -> None:
    account.running([FOLD]).tagged(FOLD, tags()).trial(status).pools()
    assert account.sweep()["folds_stopped"] == 0


def test_the_folds_of_a_long_named_trial_are_known_by_their_tag(account: Account) -> None:
    trial = f"{TRIAL}-and-more-than-there-is-room-for"
    fold = fold_job_name(trial, 1, 0)
    account.running([trial, fold]).tagged(fold, tags(trial)).pools()
    assert account.sweep()["folds_stopped"] == 0


@pytest.mark.parametrize(
    "answer", [{"Tags": []}, tags(role="folds-of-another-model"), {"Tags": tags()["Tags"][:1]}]
)
def test_what_is_only_named_like_a_fold_is_never_touched(
    account: Account, answer: dict[str, Any]
) -> None:
    account.running([FOLD]).tagged(FOLD, answer).pools(FOLD).tagged(FOLD, answer)
    assert account.sweep() == {"folds_stopped": 0, "pools_ended": 0, "left": 0}


def test_a_pool_is_kept_while_its_search_goes_on_and_ended_with_it(account: Account) -> None:
    account.running([]).pools(FOLD).tagged(FOLD, tags())
    account.trial("Completed", TuningJobArn=TUNING_ARN).search("InProgress")
    assert account.sweep()["pools_ended"] == 0
    account.running([]).pools(FOLD).tagged(FOLD, tags())
    account.trial("Completed", TuningJobArn=TUNING_ARN).search("Completed").ends_pool(FOLD)
    assert account.sweep()["pools_ended"] == 1


def test_a_pool_of_a_trial_that_no_search_made_ends_with_the_trial(account: Account) -> None:
    account.running([]).pools(FOLD).tagged(FOLD, tags()).trial("Failed").ends_pool(FOLD)
    assert account.sweep()["pools_ended"] == 1


def test_a_fold_that_ended_by_itself_and_a_pool_that_was_taken_over_are_no_failure(
    account: Account,
) -> None:
    account.running([FOLD]).tagged(FOLD, tags()).trial("Failed")
    account.sagemaker.refuses("stop_training_job", "ValidationException", "is in status")
    account.trial("Completed", FOLD)
    account.pools(FOLD).tagged(FOLD, tags())
    account.sagemaker.refuses("update_training_job", "ValidationException", "no such pool")
    account.trial("Completed", FOLD, WarmPoolStatus={"Status": "Reused"})
    assert account.sweep() == {"folds_stopped": 0, "pools_ended": 0, "left": 0}


def test_a_fold_that_is_gone_is_no_failure(account: Account) -> None:
    account.running([FOLD]).tagged(FOLD, tags()).trial("Failed")
    account.sagemaker.refuses("stop_training_job", "ValidationException", "not found")
    account.no_trial(FOLD).pools()
    assert account.sweep()["folds_stopped"] == 0


@pytest.mark.parametrize(
    "code,still",
    [("AccessDeniedException", False), ("ValidationException", True)],
    ids=["no permission", "a fold that still runs"],
)
def test_any_other_refusal_fails_the_round(account: Account, code: str, still: bool) -> None:
    account.running([FOLD]).tagged(FOLD, tags()).trial("Failed")
    account.sagemaker.refuses("stop_training_job", code, "no")
    if still:
        account.trial("InProgress", FOLD)
    with pytest.raises(ClientError, match=code):
        account.sweep()


def test_what_there_is_no_time_for_is_left_to_the_next_round(account: Account) -> None:
    folds = [fold_job_name(TRIAL, number, 0) for number in (1, 2, 3)]
    account.calls_with_time = 2  # to look at the first, and to stop it
    account.running(folds).tagged(folds[0], tags()).trial("Failed").stops(folds[0]).pools()
    assert account.sweep() == {"folds_stopped": 1, "pools_ended": 0, "left": 2}


def test_a_round_says_what_it_did_and_counts_it(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.running([FOLD]).tagged(FOLD, tags()).trial("Failed").stops(FOLD).pools()
    account.sweep()
    said, counted = log_lines(capsys.readouterr)
    assert (said["event"], said["level"], said["folds_stopped"]) == ("folds_swept", "WARNING", 1)
    assert counted["FoldsStopped"] == 1
    assert counted["PoolsEnded"] == 0
    assert counted["ModelPackageGroupName"] == GROUP
    (metrics,) = counted["_aws"]["CloudWatchMetrics"]
    assert metrics["Dimensions"] == [["ModelPackageGroupName"]]
    assert {metric["Name"] for metric in metrics["Metrics"]} == {"FoldsStopped", "PoolsEnded"}


def test_a_quiet_round_says_nothing(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account.running([]).pools()
    account.sweep()
    assert [next(iter(line)) for line in log_lines(capsys.readouterr)] == ["_aws"]


# The second is a trial that is itself called like a fold.
@pytest.mark.parametrize("trial", [TRIAL, f"{TRIAL}-fold-01-0", "x" * 63])
def test_folds_are_recognised_as_the_trainer_names_and_tags_them(trial: str) -> None:
    name = fold_job_name(trial, 35, 9)
    found = stem(name)
    assert found is not None
    assert found == trial or len(trial) > 53
    given = {request.PARENT_TAG: trial, request.FOLD_TAG: "35", request.ROLE_TAG: "folds"}
    assert parent(given, "folds") == trial


@pytest.mark.parametrize("name", ["train-001", f"{TRIAL}-fold-1-0", f"{FOLD}-more", "-fold-01-0"])
def test_other_names_are_no_folds(name: str) -> None:
    assert stem(name) is None
