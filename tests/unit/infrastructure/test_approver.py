"""Who decides on versions: people with the approver's policy, and no role of the platform."""

import dataclasses
from collections.abc import Callable

import pytest

from config.load import environments, load_settings
from config.settings import Settings
from tests.unit.example_model import with_the_example_only
from tests.unit.infrastructure.access import Access, access
from tests.unit.infrastructure.assembly import Assembly
from tests.unit.infrastructure.operator_calls import COMMANDS, calls
from warmfold_local.access.asks import Ask

STATUS = "sagemaker:ModelApprovalStatus"
REGISTERED = ("PendingManualApproval", "Rejected")


def versions(asked: Access, environment: str) -> list[str]:
    group = f"warmfold-{environment}-german-credit"
    return [asked.arn(f"model-package-group/{group}"), asked.arn(f"model-package/{group}/7")]


@pytest.mark.parametrize("environment", environments())
def test_no_role_registers_an_approved_version_or_approves_one(
    assembly: Callable[[str], Assembly], environment: str
) -> None:
    own = with_the_example_only(load_settings(environment))
    asked = access(assembly(environment), own)
    may = [
        (role, action, status)
        for role, documents in asked.policies.roles.items()
        for action in ("sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage")
        for resource in versions(asked, environment)
        for status in ("Approved", None)
        for context in [{} if status is None else {STATUS: status}]
        if asked.allowed(documents, Ask(action=action, resource=resource, context=context))
    ]
    assert may == []


def test_the_pipeline_registers_what_awaits_approval_and_what_failed_its_gate(
    prod_access: Access,
) -> None:
    for resource in versions(prod_access, "prod"):
        for status in REGISTERED:
            assert prod_access.allows(
                "/PipelineRole", "sagemaker:CreateModelPackage", resource, {STATUS: status}
            )


@pytest.mark.parametrize("command", COMMANDS)
def test_an_approver_may_do_what_the_commands_do(
    command: str, prod_access: Access, prod_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = calls(command, prod_settings, monkeypatch)
    queue = prod_access.arn("<german-credit-delivery/PromotionQueue>", "sqs")
    (documents,) = prod_access.managed.values()
    (sent,) = resources(documents, "sqs:SendMessage")
    asks = [dataclasses.replace(a, resource=sent) if a.resource == queue else a for a in asked]
    assert [ask for ask in asks if not prod_access.allowed(documents, ask)] == []


def resources(documents: object, action: str) -> list[str]:
    assert isinstance(documents, dict)
    (document,) = documents.values()
    return [s["Resource"] for s in document["Statement"] if s["Action"] == action]


def test_the_commands_need_everything_that_an_approver_may(
    prod_access: Access, prod_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = {ask.action for name in COMMANDS for ask in calls(name, prod_settings, monkeypatch)}
    (document,) = next(iter(prod_access.managed.values())).values()
    assert isinstance(document, dict)
    given = {
        action
        for statement in document["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    # Looked at only when an update was rolled back.
    assert given - used == {"cloudformation:DescribeStackEvents"}


def test_an_approver_approves_and_rejects_one_models_versions_and_changes_nothing_else(
    prod_access: Access,
) -> None:
    (documents,) = prod_access.managed.values()

    def may(action: str, resource: str, **context: str) -> bool:
        keys = {f"sagemaker:{name}": value for name, value in context.items()}
        return prod_access.allowed(
            documents, Ask(action=action, resource=prod_access.arn(resource), context=keys)
        )

    update, own = "sagemaker:UpdateModelPackage", "model-package/warmfold-prod-german-credit/3"
    assert may(update, own, ModelApprovalStatus="Approved")
    assert may(update, own, ModelApprovalStatus="Rejected")
    assert not may(update, own)
    assert not may(update, "model-package/warmfold-prod-other/3", ModelApprovalStatus="Approved")
    assert not may("sagemaker:CreateModelPackage", own, ModelApprovalStatus="Approved")
    assert not may("sagemaker:UpdateEndpoint", "endpoint/warmfold-prod-german-credit")
