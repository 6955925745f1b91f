"""Two accounts: what each side's templates allow, and that both are needed."""

import json
from collections.abc import Callable

import pytest

from config.load import load_settings
from tests.unit.example_model import with_the_example_only
from tests.unit.infrastructure.assembly import Assembly, flat
from tests.unit.infrastructure.sharing import (
    FORWARD,
    GROUP,
    GROUP_ARN,
    IMPORT,
    MODEL,
    NEEDED,
    NOT_NEEDED,
    OWN_GROUP,
    PROD,
    PUT,
    REGION,
    STAGING,
    Side,
    anybody,
    asked,
    importer,
    importing_content,
    principal,
    sharing_content,
    side,
)
from warmfold.templates import lint
from warmfold_local.access.asks import Ask
from warmfold_local.ministack_iam import Principal, decide


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Side:
    return side(tmp_path_factory.mktemp("sharing") / "staging", "staging", sharing_content())


@pytest.fixture(scope="module")
def alone(assembly: Callable[[str], Assembly]) -> Side:
    """Staging as it is shipped: it shares nothing."""
    return Side(with_the_example_only(load_settings("staging")), assembly("staging"))


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory) -> Side:
    return side(tmp_path_factory.mktemp("importing") / "prod", "prod", importing_content())


@pytest.fixture(scope="module")
def inheriting(tmp_path_factory: pytest.TempPathFactory) -> Side:
    folder = tmp_path_factory.mktemp("inheriting") / "prod"
    return side(folder, "prod", importing_content("inherited"))


@pytest.mark.parametrize("what", NEEDED)
def test_the_import_may_read_what_it_copies(staging: Side, importing: Side, what: str) -> None:
    decision = asked(importer(importing), NEEDED[what], staging.policies)
    assert decision.allowed, decision.reason


@pytest.mark.parametrize("what", NEEDED)
def test_without_readers_nothing_of_it_is_allowed(alone: Side, importing: Side, what: str) -> None:
    assert not asked(importer(importing), NEEDED[what], alone.policies).allowed


@pytest.mark.parametrize("what", NEEDED)
def test_the_upstreams_policies_alone_let_nobody_in(staging: Side, what: str) -> None:
    """A role of that very name, to which its own account has given nothing."""
    assert not asked(principal(IMPORT, PROD, {}), NEEDED[what], staging.policies).allowed


@pytest.mark.parametrize("what", NOT_NEEDED)
def test_the_import_may_do_nothing_else_there(staging: Side, importing: Side, what: str) -> None:
    assert not asked(importer(importing), NOT_NEEDED[what], staging.policies).allowed


@pytest.mark.parametrize("what", NOT_NEEDED)
def test_the_imports_own_account_lets_it_do_nothing_else_either(importing: Side, what: str) -> None:
    assert not decide(importer(importing), NOT_NEEDED[what], region=REGION).allowed


@pytest.mark.parametrize("what", NOT_NEEDED)
def test_the_upstream_lets_the_import_do_nothing_else_whatever_its_account_allows(
    staging: Side, what: str
) -> None:
    assert not asked(anybody(IMPORT), NOT_NEEDED[what], staging.policies).allowed


@pytest.mark.parametrize("what", NEEDED)
@pytest.mark.parametrize(
    "who",
    [
        anybody("administrator"),
        anybody(IMPORT, account="444444444444"),
        anybody(IMPORT.replace("prod", "dev")),
        anybody(IMPORT.replace(MODEL, "another-model")),
    ],
    ids=["another role", "another account", "another environment", "another model"],
)
def test_nobody_else_is_let_in_whatever_their_account_allows(
    staging: Side, who: Principal, what: str
) -> None:
    assert not asked(who, NEEDED[what], staging.policies).allowed


def test_the_upstreams_rule_may_send_to_the_bus_with_its_role(
    staging: Side, importing: Side
) -> None:
    sender = principal(FORWARD, STAGING, staging.policies.roles[FORWARD])
    decision = asked(sender, PUT, importing.policies)
    assert decision.allowed, decision.reason
    elsewhere = Ask(action="events:PutEvents", resource=PUT.resource.replace("-upstream", ""))
    assert not asked(sender, elsewhere, importing.policies).allowed


@pytest.mark.parametrize(
    "who", [anybody("administrator", STAGING), anybody(FORWARD, "444444444444")]
)
def test_no_other_role_and_no_other_account_may_send_to_the_bus(
    importing: Side, who: Principal
) -> None:
    assert not asked(who, PUT, importing.policies).allowed


def registering(action: str, approval: str) -> Ask:
    return Ask(
        action=f"sagemaker:{action}",
        resource=f"arn:aws:sagemaker:{REGION}:{PROD}:model-package/{OWN_GROUP}/7",
        context={"sagemaker:ModelApprovalStatus": approval},
    )


def test_an_import_cannot_approve_what_people_are_to_approve(
    importing: Side, inheriting: Side
) -> None:
    asks = {
        ("CreateModelPackage", "PendingManualApproval"): "manual",
        ("CreateModelPackage", "Approved"): "inherited",
        ("UpdateModelPackage", "Rejected"): "inherited",
        ("UpdateModelPackage", "Approved"): "",
    }
    for (action, approval), mode in asks.items():
        ask = registering(action, approval)
        for name, found in (("manual", importing), ("inherited", inheriting)):
            allowed = decide(importer(found), ask, region=REGION).allowed
            assert allowed == (name == mode), (action, approval, name)


def test_copies_go_below_one_prefix_of_the_own_bucket(importing: Side) -> None:
    own = f"arn:aws:s3:::warmfold-prod-{PROD}-{REGION}/{MODEL}"
    for path, allowed in (
        ("imported/staging/v3/1/model.tar.gz", True),
        ("imported/dev/v3/1/model.tar.gz", False),
        ("executions/a1b2/final/model.tar.gz", False),
    ):
        ask = Ask(action="s3:PutObject", resource=f"{own}/{path}")
        assert decide(importer(importing), ask, region=REGION).allowed == allowed


def test_the_model_and_the_next_evaluation_may_read_what_was_imported(importing: Side) -> None:
    path = f"arn:aws:s3:::warmfold-prod-{PROD}-{REGION}/{MODEL}/imported/staging/v3/1/model.tar.gz"
    ask = Ask(action="s3:GetObject", resource=path)
    readers = {
        role
        for role, documents in importing.policies.roles.items()
        if decide(principal(role, PROD, documents), ask, region=REGION).allowed
    }
    best_job = next(name for name in importing.policies.roles if "BestTrainingJob" in name)
    assert readers == {IMPORT, f"{OWN_GROUP}-model", best_job}


def variables(assembly: Assembly) -> dict[str, object]:
    functions = assembly.stack("delivery").of_type("AWS::Lambda::Function").values()
    (found,) = [
        function["Properties"]["Environment"]["Variables"]
        for function in functions
        if function["Properties"]["Handler"] == "import_model_package.handler.handle"
    ]
    return dict(found)


def test_the_names_of_the_other_side_are_those_that_it_has(staging: Side, importing: Side) -> None:
    found = variables(importing.assembly)
    names = {
        property_name: staging.assembly.stack(stack).of_type(kind)
        for stack, kind, property_name in (
            ("storage", "AWS::S3::Bucket", "BucketName"),
            ("images", "AWS::ECR::Repository", "RepositoryName"),
            ("training", "AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupName"),
        )
    }
    there = {
        resource["Properties"].get(property_name)
        for property_name, resources in names.items()
        for resource in resources.values()
    }
    assert {found["UPSTREAM_BUCKET"], found["UPSTREAM_REPOSITORY"], GROUP} <= there
    assert flat(found["UPSTREAM_GROUP_ARN"]) == GROUP_ARN


def test_approvals_and_their_withdrawal_are_forwarded_and_heard(
    staging: Side, importing: Side
) -> None:
    (forwarding,) = [
        rule["Properties"]
        for rule in staging.assembly.stack("delivery").of_type("AWS::Events::Rule").values()
        if "Forwards" in rule["Properties"]["Description"]
    ]
    assert forwarding["EventPattern"]["detail"] == {
        "ModelPackageGroupName": [GROUP],
        "ModelApprovalStatus": ["Approved", "Rejected"],
    }
    (heard,) = [
        rule["Properties"]
        for rule in importing.assembly.stack("delivery").of_type("AWS::Events::Rule").values()
        if rule["Properties"].get("EventPattern", {}).get("account") == [STAGING]
    ]
    assert "EventBusName" in heard
    assert heard["EventPattern"]["detail"] == {"ModelPackageGroupName": [GROUP]}
    assert heard["EventPattern"]["detail-type"] == forwarding["EventPattern"]["detail-type"]


def test_neither_side_has_a_finding_of_cfn_lint(staging: Side, importing: Side) -> None:
    changed = [
        (staging, ("images", "storage", "training", "delivery")),
        (importing, ("training", "delivery")),
    ]
    paths = [
        side.assembly.folder / f"{side.assembly.stack(ending).name}.template.json"
        for side, endings in changed
        for ending in endings
    ]
    assert lint(paths, REGION) == []


def test_an_environment_that_does_neither_has_nothing_of_it(alone: Side) -> None:
    templates = json.dumps([found.content for found in alone.assembly.templates.values()])
    for trace in ("aws:PrincipalArn", "AWS::Events::EventBus", "PutEvents", "/imported/"):
        assert trace not in templates
