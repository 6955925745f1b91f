"""Versions that pass from one registry to another, with the deployed roles, rules and bus."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.import_aids import TAG, Pair, source_of

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def pair(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = Pair(cloud, str(time.time_ns()))
    made.deploy(tmp_path_factory.mktemp("pair"))
    made.push_image(made.own, TAG)
    return made


@pytest.fixture
def silent(pair: Pair) -> Iterator[Pair]:
    """Approvals are not heard: only the schedule looks."""
    pair.hear(events=False)
    yield pair
    pair.hear(events=True)


@contextmanager
def denied(pair: Pair, action: str) -> Iterator[None]:
    iam = pair.cloud.client("iam")
    deny = {"Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
    place = {"RoleName": pair.role_name, "PolicyName": "denied"}
    iam.put_role_policy(**place, PolicyDocument=json.dumps(deny))
    yield
    iam.delete_role_policy(**place)


def test_an_approval_upstream_brings_a_whole_copy_and_its_lineage(pair: Pair) -> None:
    source = pair.register(TAG, b"first")
    pair.decide(source, "Approved")
    found = pair.arrived(source)
    assert found["ModelApprovalStatus"] == "Approved"
    (container,) = found["InferenceSpecification"]["Containers"]
    assert container["Image"].endswith(f"/{pair.own['repository']}:{TAG}")
    s3 = pair.cloud.client("s3")
    place = {
        "Bucket": pair.own["bucket"],
        "Key": container["ModelDataUrl"].removeprefix(f"s3://{pair.own['bucket']}/"),
    }
    copy = s3.get_object(**place)
    assert copy["Body"].read() == b"first"
    assert copy["SSEKMSKeyId"].endswith(pair.keys[pair.own["bucket"]].rpartition("/")[2])
    said: dict[str, Any] = found["CustomerMetadataProperties"]
    assert (said["git_commit"], said["imported_from"]) == ("0123abc", "staging")
    metrics = found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    assert metrics.startswith(f"s3://{pair.own['bucket']}/credit/imported/staging/v")


def test_events_that_come_twice_or_at_once_make_one_version(silent: Pair) -> None:
    source = silent.register(TAG, b"second")
    silent.decide(source, "Approved")
    with ThreadPoolExecutor(4) as rounds:
        done = [rounds.submit(silent.poll) for _ in range(4)]
    assert [each.exception() for each in done] == [None] * 4
    assert silent.poll() == {"imported": [], "rejected": []}
    assert [source_of(each) for each in silent.imported()].count(source) == 1


def test_a_round_that_ends_in_the_middle_leaves_no_version_and_the_next_makes_it(
    silent: Pair,
) -> None:
    before, copied = len(silent.imported()), len(silent.copies())
    source = silent.register(TAG, b"third")
    silent.decide(source, "Approved")
    with (
        denied(silent, "sagemaker:CreateModelPackage"),
        pytest.raises(AssertionError, match="sagemaker:CreateModelPackage"),
    ):
        silent.poll()
    assert (len(silent.imported()), len(silent.copies())) == (before, copied + 2)
    (arn,) = silent.poll()["imported"]
    assert source_of(silent.imported()[-1]) == source
    assert (silent.imported()[-1]["ModelPackageArn"], len(silent.imported())) == (arn, before + 1)
    assert len(silent.copies()) == copied + 2


def test_an_image_that_is_missing_here_is_named_until_it_is_pushed(silent: Pair) -> None:
    tag = "credit-fedcba9876543210"
    source = silent.register(tag, b"fourth")
    silent.decide(source, "Approved")
    before = len(silent.imported())
    with pytest.raises(AssertionError, match=rf"{tag}.*is not there: push it there"):
        silent.poll()
    assert len(silent.imported()) == before
    silent.push_image(silent.own, tag)
    assert len(silent.poll()["imported"]) == 1


@pytest.mark.parametrize(
    "action", ["sagemaker:ListModelPackages", "sagemaker:DescribeModelPackage", "s3:GetObject",
               "kms:Decrypt", "ecr:DescribeImages"]
)  # fmt: skip
def test_what_the_upstream_refuses_is_named_with_the_way_out(silent: Pair, action: str) -> None:
    source = silent.register(TAG, b"refused")
    silent.decide(source, "Approved")
    with (
        denied(silent, action),
        pytest.raises(AssertionError, match=rf"staging refused .*{action}.*\[sharing\] readers"),
    ):
        silent.poll()
    silent.decide(source, "Rejected")


def test_a_version_that_upstream_rejects_is_rejected_here(pair: Pair) -> None:
    source = pair.register(TAG, b"last")
    pair.decide(source, "Approved")
    own = pair.arrived(source)["ModelPackageArn"]
    pair.decide(source, "Rejected")
    sagemaker = pair.cloud.client("sagemaker")

    def rejected() -> bool:
        found = sagemaker.describe_model_package(ModelPackageName=own)
        return bool(found["ModelApprovalStatus"] == "Rejected")

    wait_for(rejected, f"{own} was rejected")


def test_the_group_has_the_policy_that_its_stack_gave_it(pair: Pair) -> None:
    found = pair.cloud.client("sagemaker").get_model_package_group_policy(
        ModelPackageGroupName=pair.upstream["group"]
    )
    (statement,) = json.loads(found["ResourcePolicy"])["Statement"]
    (role,) = statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    assert role.endswith(f":role/{pair.role_name}")
