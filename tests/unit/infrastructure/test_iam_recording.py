"""Least privilege, proved on prod's templates by what a run on the local cloud was asked for.

Every statement that allows is needed by a recorded call, every one that denies refuses one.
"""

import pytest

from config.load import load_settings
from config.settings import Settings
from tests.unit.example_model import with_the_example_only
from tests.unit.infrastructure.access import principal
from tests.unit.infrastructure.assembly import Assembly, listed
from tests.unit.infrastructure.iam_network import in_network, on_machines
from tests.unit.infrastructure.iam_recording import Call, calls
from tests.unit.infrastructure.iam_templates import Document, Place, Policies, Resolver, kind
from warmfold_local.access.asks import Ask, Decision
from warmfold_local.access.on_behalf import USES
from warmfold_local.ministack_iam import decide, decide_service

# Statements that no local run exercises, by a part of the owner and an action, with the row of the
# table that says who needs them.
NOT_EXERCISED = {
    ("/AlertsKey", "kms:*"): "key administration",
    ("/AlertsKey", "kms:Decrypt"): "alerts key",
    ("/DailySchedulerRole", "sqs:SendMessage"): "dead letters",
    ("/ArtifactsAccessLogs", "s3:PutObject"): "access log",
    ("/ArtifactsKey", "kms:ReEncryptFrom"): "log group key",
    ("/PromotionDeadLetters", "sqs:SendMessage"): "rule dead letters",
    ("/NetworkFlowLogsRole", "logs:CreateLogStream"): "flow log",
}
# Actions of exercised statements that the run had no occasion for: the occasion, and AWS's page.
_STOP = "An execution that is stopped stops its jobs: StopPipelineExecution (API reference)"
_TAGS = "Should Pipelines tag a job with its execution after it has created it (not verified)"
_DELETE = "CloudFormation deletes the stack: resource schemas, handlers.delete.permissions"
_RETYPED = "The endpoint gets another instance type, or the stack is deleted: scale_endpoint"
_UNTAG = "CloudFormation removes a tag: resource schemas, tagging.permissions"
_PARTS = "An upload in parts that fails is aborted: mpuoverview (S3 user guide)"
_QUEUE = "Lambda polls the queue: AWSLambdaSQSQueueExecutionRole, and the CDK's grant for it"
# By the role, without what CloudFormation adds to its name.
ON_OTHER_OCCASIONS = {
    ("batch/DailyStartRole", "sagemaker:DescribeModel"): "A model that is there already is looked "
    "at: start_batch_scoring",
    ("delivery/PromotionDeployRole", "sagemaker:DescribeModelPackage"): "A package that fails to "
    "deploy is looked at: deploy_model",
    ("delivery/PromotionDeployRole", "sqs:ChangeMessageVisibility"): _QUEUE,
    ("delivery/PromotionDeployRole", "sqs:GetQueueUrl"): _QUEUE,
    ("delivery/ScalerFunctionRole", "application-autoscaling:DeleteScalingPolicy"): _RETYPED,
    ("delivery/ScalerFunctionRole", "application-autoscaling:DeleteScheduledAction"): "Off-hours "
    "that are taken out of the configuration: scale_endpoint",
    ("delivery/ScalerFunctionRole", "application-autoscaling:DeregisterScalableTarget"): _RETYPED,
    ("delivery/ScalerFunctionRole", "cloudwatch:DeleteAlarms"): _RETYPED,
    ("delivery/ScalerFunctionRole", "cloudwatch:DescribeAlarms"): "Who puts a policy may look at "
    "its alarms: endpoint-auto-scaling-prerequisites (developer guide)",
    ("serving-deployment", "cloudwatch:DeleteAlarms"): _DELETE,
    ("serving-deployment", "cloudwatch:UntagResource"): _UNTAG,
    ("serving-deployment", "sagemaker:DeleteEndpoint"): _DELETE,
    ("serving-deployment", "sagemaker:DeleteTags"): _UNTAG,
    ("batch/ScoringRole", "sagemaker:StopTransformJob"): _STOP,
    ("training/BestTrainingJobRole", "s3:ListBucket"): "S3 denies the copy of a champion: whether "
    "it is still there is asked: best_training_job.champion",
    **{
        ("training/PipelineRole", f"sagemaker:Stop{noun}"): _STOP
        for noun in ("HyperParameterTuningJob", "ProcessingJob", "TrainingJob", "TransformJob")
    },
    **{
        (role, "s3:AbortMultipartUpload"): _PARTS
        for role in (
            "model",
            "training/RolesFinalRole",
            "training/RolesProcessingRole",
            "training/RolesTrialRole",
        )
    },
}
# Of actions that another statement of the same role allowed in the run.
IN_ANOTHER_STATEMENT = {
    ("batch/ScoringRole", "sagemaker:AddTags"): _TAGS,
    ("training/PipelineRole", "sagemaker:AddTags"): _TAGS,
}
# What a Deny's condition is about, and a value that meets it.
REFUSED = {"aws:SecureTransport": "false", "s3:TlsVersion": "1.1"}
EVERYTHING = {"all": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return with_the_example_only(load_settings("prod"))


@pytest.fixture(scope="module")
def policies(prod: Assembly, settings: Settings) -> Policies:
    return Resolver(prod, settings).policies()


@pytest.fixture(scope="module")
def recorded(prod: Assembly, settings: Settings) -> list[Call]:
    return in_network(on_machines(calls(settings), prod), prod, settings)


def answer(policies: Policies, call: Call, settings: Settings) -> Decision:
    """IAM's, for a recorded call."""
    environment = settings.environment
    policy = policies.resources.get(_owner(call.ask))
    if call.is_service:
        return decide_service(
            call.role,
            call.ask,
            account=environment.account,
            region=environment.region,
            resource_policy=policy,
        )
    return decide(
        principal(call.role, policies.roles.get(call.role, {}), environment.account),
        call.ask,
        region=environment.region,
        resource_policy=policy,
    )


def _owner(ask: Ask) -> str:
    """The ARN of what has the policy: of an object its bucket."""
    if ask.resource.startswith("arn:aws:s3:::"):
        return ask.resource.split("/")[0]
    return ask.resource


def refused_by(policies: Policies, recorded: list[Call], settings: Settings) -> list[Call]:
    return [call for call in recorded if not answer(policies, call, settings).allowed]


def row_of(place: Place, statement: Document) -> str | None:
    """The row of the table, for a statement that is not exercised."""
    for (owner, action), row in NOT_EXERCISED.items():
        if owner in place.owner and action in listed(statement["Action"]):
            return row
    return None


def test_every_recorded_call_is_allowed(
    policies: Policies, recorded: list[Call], settings: Settings
) -> None:
    """What prod's roles lack for what the platform does would show here."""
    assert [
        (call.role, call.ask, answer(policies, call, settings).reason)
        for call in refused_by(policies, recorded, settings)
    ] == []


def test_every_role_of_prod_was_asked_and_no_other(
    policies: Policies, recorded: list[Call]
) -> None:
    asked = {call.role for call in recorded if not call.is_service}
    needed = {
        place.owner
        for place, statement in policies.statements("Allow")
        if place.owner in policies.roles and row_of(place, statement) is None
    }
    assert asked == needed


def test_without_any_allow_statement_a_recorded_call_is_refused(
    policies: Policies, recorded: list[Call], settings: Settings
) -> None:
    """But for statements whose every action waits for another occasion."""
    statements = [
        (place, statement)
        for place, statement in policies.statements("Allow")
        if row_of(place, statement) is None
    ]
    assert len(statements) > 70
    needless = {
        (kind(place.owner), str(action))
        for place, statement in statements
        if not refused_by(policies.without(place), _near(place, recorded, policies), settings)
        for action in listed(statement["Action"])
    }
    assert needless - set(ON_OTHER_OCCASIONS) == set(IN_ANOTHER_STATEMENT)


def _near(place: Place, recorded: list[Call], policies: Policies) -> list[Call]:
    """The calls that the owner of a statement decides."""
    if place.owner in policies.resources:
        return [call for call in recorded if _owner(call.ask) == place.owner]
    return [call for call in recorded if call.role == place.owner]


def test_an_action_that_was_not_used_has_its_occasion(
    policies: Policies, recorded: list[Call]
) -> None:
    used = {(call.role, call.ask.action) for call in recorded}
    unused = {
        (kind(place.owner), str(action))
        for place, statement in policies.statements("Allow")
        if place.owner in policies.roles and row_of(place, statement) is None
        for action in listed(statement["Action"])
        if (place.owner, action) not in used
    }
    assert unused == set(ON_OTHER_OCCASIONS)


def test_what_no_run_exercises_has_a_source(policies: Policies) -> None:
    seen = set()
    for place, statement in policies.statements("Allow"):
        row = row_of(place, statement)
        if row is not None:
            assert set(listed(statement["Action"])) <= set(USES[row].actions), place
            assert USES[row].source.startswith("https://docs.aws.amazon.com/")
            seen.add(row)
    assert seen == set(NOT_EXERCISED.values())


def test_every_deny_statement_refuses_a_call_that_would_be_allowed(
    policies: Policies, settings: Settings
) -> None:
    account, region = settings.environment.account, settings.environment.region
    denying = list(policies.statements("Deny"))
    assert len(denying) > 4
    anybody = principal("anybody", EVERYTHING, account)
    for place, statement in denying:
        ask = _ask_against(statement)
        before = policies.without(place).resources[place.owner]
        without = decide(anybody, ask, region=region, resource_policy=before)
        with_it = decide(
            anybody, ask, region=region, resource_policy=policies.resources[place.owner]
        )
        assert without.allowed, (place, without)
        assert not with_it.allowed, place
        assert with_it.reason == "with an explicit deny in a resource-based policy"


def _ask_against(statement: Document) -> Ask:
    """A call that meets the statement's condition."""
    (keys,) = statement["Condition"].values()
    (key,) = keys
    action = str(listed(statement["Action"])[0]).replace("*", "GetObject")
    resource = str(listed(statement["Resource"])[0])
    return Ask(action=action, resource=resource, context={key: REFUSED[key]})
