"""What roles may beyond the recording, where the configuration asks for more: each with its use.

The recording is of the shipped configuration. Statements that an import, fold jobs, off-hours, a
shadow or a search in one job add are held to this table: who uses the action, and for what.
"""

import json
from collections.abc import Mapping

import pytest

from config.load import load_settings
from tests.unit.example_model import with_the_example_only
from tests.unit.infrastructure.assembly import Assembly, listed, synthesize
from tests.unit.infrastructure.iam_templates import RANDOM, Document, Place, Resolver, kind
from tests.unit.infrastructure.iam_variants import variants
from warmfold_local.access.on_behalf import USES

_FUNCTION = "logs:CreateLogStream logs:PutLogEvents xray:PutTelemetryRecords xray:PutTraceSegments"
_SCALE = "ScalerFunctionRole changes scheduled actions: PutScheduledAction (API reference)"
_MODEL = "Endpoint and batch read imported versions: import_model_package registers the copies"
# Rows of what AWS does on a role's behalf, which have their pages.
_JOB = ("image", "image token", "log group", "metrics", "volume", "volume key")
_NETWORK = ("network interface", "network interface use", "network")
Uses = Mapping[str, str]


def actions(names: str, reason: str) -> Uses:
    return dict.fromkeys(names.split(), reason)


def on_behalf(*rows: str) -> Uses:
    return {action: USES[row].source for row in rows for action in USES[row].actions}


# By the role, without what CloudFormation adds to its name: action -> its use.
USED: Mapping[str, Uses] = {
    "delivery/ScalerFunctionRole": actions(
        "application-autoscaling:DeleteScalingPolicy application-autoscaling:DeleteScheduledAction "
        "application-autoscaling:DeregisterScalableTarget application-autoscaling:PutScalingPolicy "
        "application-autoscaling:PutScheduledAction application-autoscaling:RegisterScalableTarget",
        _SCALE,
    ),
    "import": {
        **actions(_FUNCTION, "As every function's: Lambda, execution roles (developer guide)"),
        **actions(
            "sagemaker:DescribeModelPackage sagemaker:ListModelPackages",
            "import_model_package.upstream reads what is approved",
        ),
        **actions(
            "s3:GetObject s3:PutObject kms:Decrypt kms:GenerateDataKey",
            "import_model_package.files copies a version's files and compares them",
        ),
        **actions("ecr:DescribeImages", "import_model_package.images compares digests"),
        **actions("sagemaker:CreateModelPackage", "import_model_package.register"),
        **actions("sagemaker:UpdateModelPackage", "import_model_package: an approval withdrawn"),
    },
    "upstream": actions("events:PutEvents", "The upstream's ApprovalForwarding sends events"),
    "delivery/ImportFunction": actions("lambda:InvokeFunction", "Its rules start the import"),
    "model": actions("s3:GetObject s3:ListBucket", _MODEL),
    "training/RolesTrialRole": {
        **on_behalf("image token", "network"),
        **actions(
            "iam:PassRole sagemaker:AddTags sagemaker:CreateTrainingJob "
            "sagemaker:DescribeTrainingJob sagemaker:ListTrainingJobs sagemaker:StopTrainingJob",
            "fan_out starts, tags, follows and stops a trial's folds",
        ),
        **actions("s3:GetObject", "Folds' results, other trials' scores, a search's checkpoints"),
    },
    "training/RolesFoldRole": {
        **on_behalf(*_JOB, *_NETWORK),
        **actions(
            "kms:Decrypt kms:GenerateDataKey s3:AbortMultipartUpload s3:GetObject s3:ListBucket "
            "s3:PutObject",
            "SageMaker moves a fold's data: sagemaker-roles (developer guide)",
        ),
    },
    "training/BestTrainingJobRole": {
        **actions("xray:PutTelemetryRecords xray:PutTraceSegments", "In one statement with:"),
        **actions(
            "s3:GetObject s3:ListBucket", "The champion's archive may be an imported version's"
        ),
        **actions("sagemaker:ListTrainingJobs", "best_training_job counts the folds of trials"),
    },
    "training/FoldSweeperRole": {
        **actions(_FUNCTION, "As every function's: Lambda, execution roles (developer guide)"),
        **actions(
            "sagemaker:DescribeHyperParameterTuningJob sagemaker:DescribeTrainingJob "
            "sagemaker:ListTags sagemaker:ListTrainingJobs sagemaker:StopTrainingJob "
            "sagemaker:UpdateTrainingJob",
            "sweep_folds finds folds without their trial, stops them and ends their pools",
        ),
    },
    "training/FoldSweeperFunction": actions("lambda:InvokeFunction", "Its rule starts a sweep"),
}


@pytest.fixture(scope="module")
def added(prod: Assembly, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Document]]:
    """The Allow statements that the variants have and prod's shipped configuration has not."""
    folder = tmp_path_factory.mktemp("variants")
    shipped = with_the_example_only(load_settings("prod"))
    known = set(map(_text, Resolver(prod, shipped).policies().statements("Allow")))
    found: dict[str, tuple[str, Document]] = {}
    for way, settings in variants(folder).items():
        policies = Resolver(synthesize(settings, folder / way), settings).policies()
        for place, statement in policies.statements("Allow"):
            found.setdefault(_text((place, statement)), (kind(place.owner), statement))
    return [entry for text, entry in found.items() if text not in known]


def _text(entry: tuple[Place, Document]) -> str:
    place, statement = entry
    owner = kind(place.owner)
    return owner + RANDOM.sub(">", json.dumps(statement, sort_keys=True))


def test_every_statement_that_a_configuration_adds_has_its_use(
    added: list[tuple[str, Document]],
) -> None:
    given = {
        (owner, str(action)) for owner, statement in added for action in listed(statement["Action"])
    }
    used = {(owner, action) for owner, uses in USED.items() for action in uses}
    assert given - used == set()
    assert used - given == set()


def test_every_variant_adds_something(added: list[tuple[str, Document]]) -> None:
    assert {owner for owner, _ in added} == set(USED)
