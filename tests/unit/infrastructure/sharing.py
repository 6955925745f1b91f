"""Staging that shares with production, production that imports from staging, and IAM's answers.

``NEEDED`` is what the import asks of staging, ``NOT_NEEDED`` what neither side lets it do.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from config.load import load_settings
from config.settings import Settings
from tests.unit.config.environment_file import set_at, values, write
from tests.unit.infrastructure.assembly import Assembly, synthesize
from tests.unit.infrastructure.iam_templates import Policies, Resolver
from warmfold_local.access.asks import Ask, Decision
from warmfold_local.ministack_iam import Documents, Principal, decide_across

MODEL = "german-credit"
STAGING, PROD = "222222222222", "333333333333"
READERS = {"readers": [{"environment": "prod", "account": PROD}]}
UPSTREAM = {
    "environment": "staging",
    "account": STAGING,
    "approval": "manual",
    "poll_minutes": 30,
}


@dataclass(frozen=True)
class Side:
    """One environment, synthesized: cdk-nag has found nothing."""

    settings: Settings
    assembly: Assembly

    @cached_property
    def policies(self) -> Policies:
        return Resolver(self.assembly, self.settings).policies()


def sharing_content() -> dict[str, Any]:
    return set_at(values("staging"), ("sharing",), READERS)


def importing_content(approval: str = "manual") -> dict[str, Any]:
    upstream = {**UPSTREAM, "approval": approval}
    return set_at(values("prod"), ("models", 0, "upstream"), upstream)


def side(folder: Path, environment: str, content: dict[str, Any]) -> Side:
    folder.mkdir()
    write(folder, sharing_content(), "staging")
    write(folder, importing_content(), "prod")
    settings = load_settings(environment, write(folder, content, environment))
    return Side(settings, synthesize(settings, folder / "out"))


REGION = "eu-west-1"
GROUP, OWN_GROUP = f"warmfold-staging-{MODEL}", f"warmfold-prod-{MODEL}"
IMPORT, FORWARD = f"{OWN_GROUP}-import", f"{GROUP}-forward"
BUCKET = f"warmfold-staging-{STAGING}-{REGION}"
GROUP_ARN = f"arn:aws:sagemaker:{REGION}:{STAGING}:model-package-group/{GROUP}"
VERSION = f"arn:aws:sagemaker:{REGION}:{STAGING}:model-package/{GROUP}/3"
REPOSITORY = f"arn:aws:ecr:{REGION}:{STAGING}:repository/warmfold-staging-server"
BUS = f"arn:aws:events:{REGION}:{PROD}:event-bus/{OWN_GROUP}-upstream"
PUT = Ask(action="events:PutEvents", resource=BUS)
VIA_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
EVERYTHING: Documents = {
    "all": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
}


def in_bucket(path: str) -> str:
    return f"arn:aws:s3:::{BUCKET}/{MODEL}/{path}"


MODEL_FILE = in_bucket("executions/a1b2/final/job/output/model.tar.gz")
NEEDED = {
    "which are approved": Ask(action="sagemaker:ListModelPackages", resource=GROUP_ARN),
    "which, by version": Ask(action="sagemaker:ListModelPackages", resource=f"{VERSION[:-1]}*"),
    "one version": Ask(action="sagemaker:DescribeModelPackage", resource=VERSION),
    "artifact": Ask(action="s3:GetObject", resource=MODEL_FILE),
    "metrics": Ask(
        action="s3:GetObject", resource=in_bucket("executions/a1b2/evaluation/evaluation.json")
    ),
    "what it imported itself": Ask(
        action="s3:GetObject", resource=in_bucket("imported/dev/v1/1/model.tar.gz")
    ),
    "key": Ask(action="kms:Decrypt", resource="key", context=VIA_S3),
    "image's digest": Ask(action="ecr:DescribeImages", resource=REPOSITORY),
}
NOT_NEEDED = {
    "raw data": Ask(action="s3:GetObject", resource=in_bucket("raw/data.csv")),
    "features": Ask(action="s3:GetObject", resource=in_bucket("executions/a1b2/features/x.npz")),
    "predictions": Ask(action="s3:GetObject", resource=in_bucket("batch/output/day=1/x.jsonl")),
    "another model": Ask(
        action="s3:GetObject", resource=MODEL_FILE.replace(MODEL, "another-model")
    ),
    "writing": Ask(action="s3:PutObject", resource=MODEL_FILE),
    "deleting": Ask(action="s3:DeleteObject", resource=MODEL_FILE),
    "listing": Ask(action="s3:ListBucket", resource=f"arn:aws:s3:::{BUCKET}"),
    "approving": Ask(
        action="sagemaker:UpdateModelPackage",
        resource=VERSION,
        context={"sagemaker:ModelApprovalStatus": "Approved"},
    ),
    "registering": Ask(action="sagemaker:CreateModelPackage", resource=GROUP_ARN),
    "another group": Ask(
        action="sagemaker:DescribeModelPackage", resource=VERSION.replace(MODEL, "another-model")
    ),
    "key by itself": Ask(action="kms:Decrypt", resource="key"),
    "encrypting": Ask(action="kms:GenerateDataKey", resource="key", context=VIA_S3),
    "pulling the image": Ask(action="ecr:BatchGetImage", resource=REPOSITORY),
    "the trainer": Ask(action="ecr:DescribeImages", resource=REPOSITORY.replace("server", "train")),
}


def principal(role: str, account: str, documents: Documents) -> Principal:
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/session"
    return Principal(
        arn=arn,
        kind="AssumedRole",
        account=account,
        documents=documents,
        limits={},
        keys={"aws:principalarn": f"arn:aws:iam::{account}:role/{role}"},
    )


def importer(side: Side, account: str = PROD, role: str = IMPORT) -> Principal:
    """The import role; with another name or account, a copy of it that may do the same."""
    return principal(role, account, side.policies.roles[IMPORT])


def anybody(role: str, account: str = PROD) -> Principal:
    """Whose own account lets it do everything."""
    return principal(role, account, EVERYTHING)


def key_of(policies: Policies) -> str:
    (found,) = [arn for arn in policies.resources if ":key/<storage/" in arn]
    return found


def policy_for(ask: Ask, policies: Policies) -> object:
    """The policy of whatever the resource belongs to."""
    if ask.resource.startswith("arn:aws:s3:::"):
        return policies.resources.get(ask.resource.split("/")[0])
    if ":model-package/" in ask.resource:
        group = ask.resource.replace(":model-package/", ":model-package-group/").rpartition("/")[0]
        return policies.resources.get(group)
    return policies.resources.get(ask.resource)


def asked(who: Principal, ask: Ask, policies: Policies) -> Decision:
    """IAM's answer, of two accounts."""
    if ask.resource == "key":
        ask = Ask(action=ask.action, resource=key_of(policies), context=ask.context)
    policy = policy_for(ask, policies)
    assert policy is None or isinstance(policy, dict)
    return decide_across(who, ask, region=REGION, resource_policy=policy)
