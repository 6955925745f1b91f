"""Which versions are imported, and what is said of them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from import_model_package import logic
from import_model_package.logic import Copied, Image, Imported
from tests.unit.lambdas.import_aids import (
    ARTIFACT,
    DIGEST,
    EVALUATION,
    GROUP,
    IMAGE,
    OWN_REPOSITORY_URI,
    REPOSITORY,
    SAID,
    TAG,
    UPSTREAM_ACCOUNT,
    UPSTREAM_BUCKET,
    described,
    own_arn,
    package,
    source_arn,
)
from warmfold_lambda.errors import LambdaError


def imported(version: int, of: int, approval: str = "Approved") -> Imported:
    return Imported(arn=own_arn(version), source_arn=source_arn(of), approval=approval)


def wanted(approved: list[int], there: list[Imported]) -> list[int]:
    return [each.version for each in logic.wanted([package(n) for n in approved], there)]


def test_at_first_only_the_latest_is_wanted() -> None:
    assert wanted([1, 4, 2], []) == [4]
    assert wanted([], []) == []


def test_what_is_newer_follows_in_order_and_what_is_older_does_not() -> None:
    there = [imported(1, of=4)]
    assert wanted([1, 2, 4], there) == []
    assert wanted([6, 1, 5, 4], there) == [5, 6]


def test_once_the_imported_version_is_withdrawn_the_one_before_it_is_wanted() -> None:
    there = [imported(1, of=2), imported(2, of=4)]
    assert wanted([1, 2, 3], there) == [3]
    assert wanted([1], there) == [1]
    assert wanted([], there) == []


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=40))
def test_after_any_approvals_and_rejections_the_upstreams_latest_is_here_and_none_twice(
    changes: list[tuple[int, bool]],
) -> None:
    approved: set[int] = set()
    there: list[Imported] = []
    for version, is_approved in changes:
        (approved.add if is_approved else approved.discard)(version)
        new = wanted(sorted(approved), there)
        there += [imported(len(there) + n, of=each) for n, each in enumerate(new, 1)]
        assert wanted(sorted(approved), there) == []
        sources = [each.source_arn for each in there]
        assert len(sources) == len(set(sources))
        if approved:
            assert source_arn(max(approved)) in sources


def test_a_version_that_upstream_rejects_is_withdrawn_until_it_is_rejected_here() -> None:
    approved = [package(1)]
    one, two = imported(1, of=1), imported(2, of=2)
    waiting = replace(two, approval="PendingManualApproval")
    rejected = replace(two, approval="Rejected")
    assert logic.withdrawn(approved, [one, two]) == [two]
    assert logic.withdrawn(approved, [one, waiting]) == [waiting]
    assert logic.withdrawn(approved, [one, rejected]) == []


def test_a_description_leads_back_to_the_source_and_no_other_does() -> None:
    assert logic.source_of(logic.description(source_arn(3))) == source_arn(3)
    assert logic.source_of("") is None
    assert logic.source_of("Trained here") is None


def test_a_token_is_the_sources_and_as_long_as_it_may_be() -> None:
    assert logic.token(source_arn(3)) == logic.token(source_arn(3))
    assert logic.token(source_arn(3)) != logic.token(source_arn(4))
    assert len(logic.token(source_arn(3))) == 36


def request(approval: logic.Approval = "manual", **members: Any) -> dict[str, Any]:
    found = described(**members)
    uris = logic.places(logic.files_of(found, UPSTREAM_BUCKET), "s3://own/imported/v3")
    copied = Copied(image="own-image", image_digest=DIGEST, uris=uris, sha256="ff")
    return logic.request(
        found,
        copied,
        group_name=GROUP,
        environment="staging",
        approval=approval,
        realtime_instance_types=("ml.c5.large",),
        transform_instance_types=("ml.m5.large",),
    )


def test_the_version_names_the_copies_the_own_image_and_the_own_instance_types() -> None:
    made = request()
    assert made["InferenceSpecification"] == {
        "Containers": [
            {"Image": "own-image", "ModelDataUrl": "s3://own/imported/v3/1/model.tar.gz"}
        ],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
        "SupportedRealtimeInferenceInstanceTypes": ["ml.c5.large"],
        "SupportedTransformInstanceTypes": ["ml.m5.large"],
    }
    place = "s3://own/imported/v3/2/evaluation.json"
    assert made["ModelMetrics"] == {
        "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": place}}
    }


def test_a_version_waits_for_an_approval_of_its_own_unless_that_is_inherited() -> None:
    assert request()["ModelApprovalStatus"] == "PendingManualApproval"
    assert request("inherited")["ModelApprovalStatus"] == "Approved"


def test_the_lineage_is_all_that_upstream_says_and_where_and_by_whom_it_was_approved() -> None:
    assert request()["CustomerMetadataProperties"] == {
        **SAID,
        "staging_model_package_arn": source_arn(3),
        "staging_account": UPSTREAM_ACCOUNT,
        "staging_approval_changed_at": "2026-03-03T12:00:00+00:00",
        "staging_approval_changed_by": "ada",
        "staging_approval_description": "looks good_ really",  # metadata takes no comma
        "imported_from": "staging",
        "artifact_sha256": "ff",
        "image_digest": DIGEST,
    }


def test_what_upstream_imported_itself_keeps_its_lineage() -> None:
    before = {"dev_model_package_arn": "arn:1", "imported_from": "dev"}
    found = request(CustomerMetadataProperties=before)["CustomerMetadataProperties"]
    assert found["dev_model_package_arn"] == "arn:1"
    assert found["imported_from"] == "staging"


def test_a_version_without_metrics_or_a_known_approver_is_imported_as_well() -> None:
    made = request(ModelMetrics={}, LastModifiedBy={}, ApprovalDescription="")
    assert "ModelMetrics" not in made
    assert "staging_approval_changed_by" not in str(made)


def test_an_artifact_outside_the_upstreams_bucket_is_refused() -> None:
    container = {"Image": IMAGE, "ModelDataUrl": "s3://elsewhere/model.tar.gz"}
    found = described(InferenceSpecification={"Containers": [container]})
    with pytest.raises(
        LambdaError, match=r"s3://elsewhere/model\.tar\.gz, which is not in the buck"
    ):
        logic.files_of(found, UPSTREAM_BUCKET)


@pytest.mark.parametrize("containers", [[], [{"Image": IMAGE}], [{"ModelDataUrl": ARTIFACT}] * 2])
def test_a_package_that_is_not_one_container_with_an_artifact_is_refused(
    containers: list[dict[str, str]],
) -> None:
    found = described(InferenceSpecification={"Containers": containers})
    with pytest.raises(LambdaError, match="only a package of one container"):
        logic.files_of(found, UPSTREAM_BUCKET)


def test_files_are_named_once_each_the_artifact_first() -> None:
    assert logic.files_of(described(), UPSTREAM_BUCKET) == [ARTIFACT, EVALUATION]


def test_an_image_keeps_its_tag_or_digest_in_the_own_repository() -> None:
    registry, _, repository = OWN_REPOSITORY_URI.partition("/")
    tagged = logic.image_of({"Image": IMAGE}, REPOSITORY)
    assert tagged == Image(repository=REPOSITORY, tag=TAG)
    assert tagged.within(registry, repository) == f"{OWN_REPOSITORY_URI}:{TAG}"
    by_digest = logic.image_of({"Image": IMAGE.replace(f":{TAG}", f"@{DIGEST}")}, REPOSITORY)
    assert by_digest.id() == {"imageDigest": DIGEST}
    assert by_digest.within(registry, repository) == f"{OWN_REPOSITORY_URI}@{DIGEST}"


@pytest.mark.parametrize("uri", ["registry/elsewhere:v1", f"registry/{REPOSITORY}", "", "a/b/c:d"])
def test_an_image_of_another_repository_or_without_a_version_is_refused(uri: str) -> None:
    with pytest.raises(LambdaError, match=f"is not in the repository {REPOSITORY}"):
        logic.image_of({"Image": uri}, REPOSITORY)
