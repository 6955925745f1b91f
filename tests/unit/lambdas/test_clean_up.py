"""What a clean-up deletes, when, and what it says of what it could not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clean_up.handler import respond
from clean_up.logic import Clock, Leftovers, is_batch_model, read_leftovers
from tests.unit.lambdas.aids import LOG, Stub, log_lines, playing
from warmfold_lambda.custom_resource import Kind, Request
from warmfold_lambda.errors import InputError, LambdaError

STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/warmfold-dev-storage/1"
SAGEMAKER = "arn:aws:sagemaker:us-east-1:000000000000"
EXECUTION = f"{SAGEMAKER}:pipeline/credit/execution/abcdefghijkl"
MODEL = f"{SAGEMAKER}:model/pipelines-abcdefghijkl-CreateModel-0a1b2c3d4e"
GROUP_ARN = f"{SAGEMAKER}:model-package/credit"


@dataclass
class Account:
    """A stack that is being deleted, stubbed; ``waited`` are pauses in seconds."""

    status: str = "DELETE_IN_PROGRESS"
    calls_with_time: int = 1000
    waited: list[float] = field(default_factory=list)
    stubs: dict[str, Stub] = field(default_factory=dict)

    def service(self, name: str) -> Stub:
        return self.stubs.setdefault(name, Stub(name))

    def cleans_up(self, kind: Kind = "Delete", **properties: Sequence[str]) -> None:
        if kind == "Delete":
            self._describes_its_stack()
        request = Request(
            kind=kind, stack_id=STACK, logical_id="CleanUp", properties=dict(properties)
        )
        clock = Clock(has_time=self._has_time, wait=self.waited.append)
        with playing(*self.stubs.values()):
            made = respond(
                request, client=lambda name: self.service(name).client, clock=clock, log=LOG
            )
        assert made == {}

    def _describes_its_stack(self) -> None:
        stack = {"StackName": "warmfold-dev-storage", "CreationTime": 0, "StackStatus": self.status}
        self.service("cloudformation").answers(
            "describe_stacks", {"Stacks": [stack]}, StackName=STACK
        )

    def _has_time(self) -> bool:
        self.calls_with_time -= 1
        return self.calls_with_time >= 0


@pytest.fixture
def account() -> Account:
    return Account()


def version(key: str, id: str) -> dict[str, Any]:
    return {"Key": key, "VersionId": id}


def no_uploads(account: Account, bucket: str = "data") -> None:
    account.service("s3").answers("list_multipart_uploads", {}, Bucket=bucket)


def deletes(account: Account, found: list[dict[str, Any]], **answer: Any) -> None:
    account.service("s3").answers(
        "delete_objects", answer, Bucket="data", Delete={"Objects": found, "Quiet": True}
    )


def lists_executions(account: Account, *statuses: str, pipeline: str = "credit") -> None:
    found = [
        {"PipelineExecutionArn": EXECUTION, "PipelineExecutionStatus": status}
        for status in statuses
    ]
    account.service("sagemaker").answers(
        "list_pipeline_executions", {"PipelineExecutionSummaries": found}, PipelineName=pipeline
    )


def lists_steps(account: Account, *metadata: dict[str, Any]) -> None:
    steps = [{"StepName": f"step-{n}", "Metadata": found} for n, found in enumerate(metadata)]
    account.service("sagemaker").answers(
        "list_pipeline_execution_steps",
        {"PipelineExecutionSteps": steps},
        PipelineExecutionArn=EXECUTION,
    )


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_creating_and_changing_it_deletes_nothing_and_asks_nothing(
    account: Account, kind: Kind
) -> None:
    account.cleans_up(kind, Buckets=["data"])
    assert account.stubs == {}


@pytest.mark.parametrize(
    "status",
    [
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",  # it left the template, or was renamed in it
        "UPDATE_ROLLBACK_IN_PROGRESS",  # the update that added it failed
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    ],
)
def test_a_stack_that_stays_keeps_everything(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account(status=status)
    account.cleans_up(Buckets=["data"], Pipelines=["credit"])
    assert set(account.stubs) == {"cloudformation"}
    (line,) = log_lines(capsys.readouterr)
    assert (line["event"], line["stack_status"]) == ("kept", status)


def test_versions_and_delete_markers_go_page_by_page(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    no_uploads(account)
    s3 = account.service("s3")
    s3.answers(
        "list_object_versions",
        {
            "Versions": [version("a", "1"), version("a", "2")],
            "DeleteMarkers": [version("b", "3")],
            "IsTruncated": True,
            "NextKeyMarker": "b",
            "NextVersionIdMarker": "3",
        },
        Bucket="data",
    )
    deletes(account, [version("a", "1"), version("a", "2"), version("b", "3")])
    s3.answers(
        "list_object_versions",
        {"Versions": [version("c", "null")]},
        Bucket="data",
        KeyMarker="b",
        VersionIdMarker="3",
    )
    deletes(account, [version("c", "null")])
    account.cleans_up(Buckets=["data"])
    (line,) = log_lines(capsys.readouterr)
    assert (line["kind"], line["name"], line["deleted"]) == ("versions", "data", 4)


def test_uploads_that_were_never_completed_are_aborted(account: Account) -> None:
    s3 = account.service("s3")
    s3.answers(
        "list_multipart_uploads", {"Uploads": [{"Key": "a", "UploadId": "u"}]}, Bucket="data"
    )
    s3.answers("abort_multipart_upload", {}, Bucket="data", Key="a", UploadId="u")
    s3.answers("list_object_versions", {}, Bucket="data")
    account.cleans_up(Buckets=["data"])


def test_a_bucket_that_is_gone_is_empty(account: Account) -> None:
    account.service("s3").refuses("list_multipart_uploads", "NoSuchBucket", "no such bucket")
    account.cleans_up(Buckets=["data"])


def test_what_s3_does_not_delete_is_told_with_its_reason(account: Account) -> None:
    no_uploads(account)
    account.service("s3").answers(
        "list_object_versions", {"Versions": [version("a", "1")]}, Bucket="data"
    )
    deletes(account, [version("a", "1")], Errors=[{"Key": "a", "Code": "AccessDenied"}])
    with pytest.raises(LambdaError, match=r"1 versions in data \(AccessDenied\)"):
        account.cleans_up(Buckets=["data"])


def test_a_bucket_of_another_owner_is_no_empty_one(account: Account) -> None:
    account.service("s3").refuses("list_multipart_uploads", "AccessDenied", "no")
    with pytest.raises(ClientError, match="AccessDenied"):
        account.cleans_up(Buckets=["data"])


def test_out_of_time_the_stack_is_told_how_to_go_on() -> None:
    account = Account(calls_with_time=0)
    no_uploads(account)
    account.service("s3").answers(
        "list_object_versions", {"Versions": [version("a", "1")]}, Bucket="data"
    )
    with pytest.raises(LambdaError, match=r"before data is empty .* delete the stack again"):
        account.cleans_up(Buckets=["data"])


def test_running_executions_are_stopped_and_waited_for(account: Account) -> None:
    lists_executions(account, "Executing", "Succeeded")
    account.service("sagemaker").stubber.add_response("stop_pipeline_execution", {})
    lists_executions(account, "Stopping", "Succeeded")
    lists_executions(account, "Stopped", "Succeeded")
    lists_executions(account)  # for the models of the executions
    account.cleans_up(Pipelines=["credit"])
    assert account.waited == [5.0, 5.0]


def test_an_execution_that_ended_meanwhile_need_not_be_stopped(account: Account) -> None:
    lists_executions(account, "Executing")
    account.service("sagemaker").refuses("stop_pipeline_execution", "ConflictException", "ended")
    for _ in range(3):  # after the refusal, after the wait, for the models
        lists_executions(account)
    account.cleans_up(Pipelines=["credit"])


def test_an_execution_that_may_not_be_stopped_is_a_failure(account: Account) -> None:
    lists_executions(account, "Executing")
    account.service("sagemaker").refuses("stop_pipeline_execution", "AccessDeniedException", "no")
    lists_executions(account, "Executing")
    with pytest.raises(ClientError, match="AccessDenied"):
        account.cleans_up(Pipelines=["credit"])


def test_executions_that_do_not_stop_in_time_are_told() -> None:
    account = Account(calls_with_time=0)
    lists_executions(account, "Stopping")
    with pytest.raises(LambdaError, match="before 1 executions of credit have stopped"):
        account.cleans_up(Pipelines=["credit"])


def test_models_that_executions_made_go_also_if_somebody_was_faster(account: Account) -> None:
    lists_executions(account, "Succeeded")
    lists_executions(account, "Succeeded")
    job = {"TrainingJob": {"Arn": f"{SAGEMAKER}:training-job/x"}}
    lists_steps(account, {"Model": {"Arn": MODEL}}, job, {"Model": {"Arn": MODEL}})
    sagemaker = account.service("sagemaker")
    name = MODEL.rpartition("/")[2]
    sagemaker.answers("delete_model", {}, ModelName=name)
    sagemaker.refuses("delete_model", "ValidationException", f'Could not find model "{MODEL}".')
    account.cleans_up(Pipelines=["credit"])


def test_only_models_of_batch_scoring_go(account: Account) -> None:
    names = ["credit-v1", "credit-v12", "credit-v1-mine", "credit-vip", "my-credit-v2"]
    summaries = [
        {"ModelName": name, "ModelArn": f"{SAGEMAKER}:model/{name}", "CreationTime": 0}
        for name in names
    ]
    sagemaker = account.service("sagemaker")
    sagemaker.answers("list_models", {"Models": summaries}, NameContains="credit-v")
    for name in ("credit-v1", "credit-v12"):
        sagemaker.answers("delete_model", {}, ModelName=name)
    account.cleans_up(ModelNamePrefixes=["credit"])


def test_a_prefix_is_taken_literally() -> None:
    assert is_batch_model("a.b-v3", "a.b")
    assert not is_batch_model("axb-v3", "a.b")


def test_every_version_of_a_group_goes(account: Account) -> None:
    sagemaker = account.service("sagemaker")
    for page, token in ((1, {}), (2, {"NextToken": "more"})):
        summary = {
            "ModelPackageArn": f"{GROUP_ARN}/{page}",
            "ModelPackageStatus": "Completed",
            "CreationTime": 0,
        }
        answer: dict[str, Any] = {"ModelPackageSummaryList": [summary]}
        if page == 1:
            answer["NextToken"] = "more"
        sagemaker.answers("list_model_packages", answer, ModelPackageGroupName="credit", **token)
    for page in (1, 2):
        sagemaker.answers("delete_model_package", {}, ModelPackageName=f"{GROUP_ARN}/{page}")
    account.cleans_up(ModelPackageGroups=["credit"])


def test_a_group_and_a_pipeline_that_are_gone_have_nothing(account: Account) -> None:
    sagemaker = account.service("sagemaker")
    for _ in range(2):
        sagemaker.refuses("list_pipeline_executions", "ResourceNotFound", "Pipeline not found")
    sagemaker.refuses("list_model_packages", "ValidationException", "group does not exist")
    account.cleans_up(Pipelines=["credit"], ModelPackageGroups=["credit"])


def test_a_log_group_goes_if_there_is_one(account: Account) -> None:
    logs = account.service("logs")
    logs.answers("delete_log_group", {}, logGroupName="/aws/sagemaker/Endpoints/a")
    logs.refuses("delete_log_group", "ResourceNotFoundException", "there is none")
    account.cleans_up(LogGroups=["/aws/sagemaker/Endpoints/a", "/aws/sagemaker/Endpoints/b"])


def test_properties_are_read_with_every_fault_at_once() -> None:
    assert read_leftovers({"Buckets": ["a"], "LogGroups": []}) == Leftovers(buckets=("a",))
    with pytest.raises(InputError) as raised:
        read_leftovers({"Buckets": "a", "Pipelines": [""], "Queues": ["q"]})
    for text in ("Buckets must be", "Pipelines must be", "Queues is unknown"):
        assert text in str(raised.value)
