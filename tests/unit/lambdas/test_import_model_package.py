"""A round of imports: what is called, in which order, and what is said of refusals."""

import hashlib
import io
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from import_model_package.aws import Own, Upstream
from import_model_package.handler import Environment, Round, handle
from import_model_package.logic import description
from tests.unit.lambdas.aids import LOG, Invocation, Stub, log_lines, playing
from tests.unit.lambdas.import_aids import (
    ARTIFACT,
    DIGEST,
    EVALUATION,
    GROUP,
    IMAGE,
    OWN_ACCOUNT,
    OWN_BUCKET,
    OWN_REPOSITORY_URI,
    REPOSITORY,
    TAG,
    UPSTREAM_ACCOUNT,
    UPSTREAM_BUCKET,
    UPSTREAM_GROUP,
    described,
    own_arn,
    source_arn,
)
from warmfold_lambda.errors import ConfigurationError, LambdaError

FOLDER = f"s3://{OWN_BUCKET}/credit/imported/staging"
KEYS = ("credit/imported/staging/v3/1/model.tar.gz", "credit/imported/staging/v3/2/evaluation.json")


def environment(approval: str = "manual") -> Environment:
    return Environment(
        upstream_environment="staging",
        upstream_group_arn=UPSTREAM_GROUP,
        upstream_bucket=UPSTREAM_BUCKET,
        upstream_repository=REPOSITORY,
        model_package_group_name=GROUP,
        folder_uri=FOLDER,
        repository_uri=OWN_REPOSITORY_URI,
        approval=approval,
        realtime_instance_types=("ml.c5.large",),
        transform_instance_types=("ml.m5.large",),
    )


@dataclass
class Bench:
    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    s3: Stub = field(default_factory=lambda: Stub("s3"))
    ecr: Stub = field(default_factory=lambda: Stub("ecr"))

    def lists(self, group: str, *summaries: dict[str, Any]) -> None:
        answer = {"ModelPackageSummaryList": [_summary(**each) for each in summaries]}
        asked: dict[str, Any] = {"ModelPackageGroupName": group}
        asked |= {"SortBy": "CreationTime", "SortOrder": "Descending"}
        if group == UPSTREAM_GROUP:
            asked["ModelApprovalStatus"] = "Approved"
        self.sagemaker.answers("list_model_packages", answer, **asked)

    def describes(self, version: int, **members: Any) -> None:
        name = source_arn(version)
        self.sagemaker.answers(
            "describe_model_package", described(version, **members), ModelPackageName=name
        )

    def has_image(self, account: str, repository: str, digest: str | None) -> None:
        asked = {
            "registryId": account,
            "repositoryName": repository,
            "imageIds": [{"imageTag": TAG}],
        }
        if digest is None:
            self.ecr.refuses("describe_images", "ImageNotFoundException", "no such image", **asked)
        else:
            details = {"imageDetails": [{"imageDigest": digest}]}
            self.ecr.answers("describe_images", details, **asked)

    def has_images(self, own: str | None = DIGEST) -> None:
        self.has_image(UPSTREAM_ACCOUNT, REPOSITORY, DIGEST)
        self.has_image(OWN_ACCOUNT, "warmfold-prod-server", own)

    def reads(self, bucket: str, key: str, content: bytes, length: int | None = None) -> None:
        answer = {
            "Body": StreamingBody(io.BytesIO(content), len(content)),
            "ContentLength": len(content) if length is None else length,
            "ETag": '"e"',
        }
        self.s3.answers("get_object", answer, Bucket=bucket, Key=key)

    def copies(self, uri: str, key: str, content: bytes, arrived: bytes | None = None) -> None:
        source = uri.removeprefix(f"s3://{UPSTREAM_BUCKET}/")
        self.reads(UPSTREAM_BUCKET, source, content)
        self.s3.answers(
            "copy_object",
            {},
            Bucket=OWN_BUCKET,
            Key=key,
            CopySource={"Bucket": UPSTREAM_BUCKET, "Key": source},
            CopySourceIfMatch='"e"',
        )
        self.reads(OWN_BUCKET, key, content if arrived is None else arrived)

    def run(self, approval: str = "manual") -> dict[str, Any]:
        sagemaker, s3, ecr = self.sagemaker.client, self.s3.client, self.ecr.client
        upstream = Upstream(sagemaker, s3, ecr, "staging")
        with playing(self.sagemaker, self.s3, self.ecr):
            return Round(environment(approval), upstream, Own(sagemaker, ecr, GROUP), LOG).run()


def _summary(arn: str, version: int, **members: Any) -> dict[str, Any]:
    return {
        "ModelPackageArn": arn,
        "ModelPackageVersion": version,
        "CreationTime": described()["CreationTime"],
        "ModelPackageStatus": "Completed",
        **members,
    }


def upstream(version: int) -> dict[str, Any]:
    return {"arn": source_arn(version), "version": version}


def own(version: int, of: int, approval: str = "Approved") -> dict[str, Any]:
    return {
        "arn": own_arn(version),
        "version": version,
        "ModelPackageDescription": description(source_arn(of)),
        "ModelApprovalStatus": approval,
    }


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_files_are_copied_and_compared_before_the_version_is_made(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.lists(UPSTREAM_GROUP, upstream(3))
    bench.lists(GROUP, {"arn": own_arn(1), "version": 1})  # trained here
    bench.describes(3)
    bench.has_images()
    bench.copies(ARTIFACT, KEYS[0], b"model")
    bench.copies(EVALUATION, KEYS[1], b"{}")
    requests: list[dict[str, Any]] = []
    bench.sagemaker.client.meta.events.register(
        "provide-client-params.sagemaker.CreateModelPackage",
        lambda params, **_: requests.append(params),
    )
    bench.sagemaker.answers("create_model_package", {"ModelPackageArn": own_arn(2)})
    assert bench.run() == {"imported": [own_arn(2)], "rejected": []}
    (request,) = requests
    (container,) = request["InferenceSpecification"]["Containers"]
    assert container["Image"] == f"{OWN_REPOSITORY_URI}:{TAG}"
    digest = hashlib.sha256(b"model").hexdigest()
    assert request["CustomerMetadataProperties"]["artifact_sha256"] == digest
    (line,) = log_lines(capsys.readouterr)
    assert line["event"] == "package_imported"
    assert line["model_package_arn"] == own_arn(2)


def test_nothing_new_is_two_listings(bench: Bench) -> None:
    bench.lists(UPSTREAM_GROUP, upstream(3))
    bench.lists(GROUP, own(1, of=3))
    assert bench.run() == {"imported": [], "rejected": []}


def test_a_withdrawn_version_is_rejected_where_the_approval_was_inherited(bench: Bench) -> None:
    bench.lists(UPSTREAM_GROUP)
    bench.lists(GROUP, own(1, of=3))
    bench.sagemaker.answers(
        "update_model_package",
        {"ModelPackageArn": own_arn(1)},
        ModelPackageArn=own_arn(1),
        ModelApprovalStatus="Rejected",
        ApprovalDescription=f"{source_arn(3)} is no longer approved upstream",
    )
    assert bench.run("inherited") == {"imported": [], "rejected": [own_arn(1)]}


def test_a_withdrawn_version_that_people_approve_is_left_to_people(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.lists(UPSTREAM_GROUP)
    bench.lists(GROUP, own(1, of=3))
    assert bench.run() == {"imported": [], "rejected": []}
    (line,) = log_lines(capsys.readouterr)
    assert (line["level"], line["event"]) == ("WARNING", "upstream_withdrawn")


@pytest.mark.parametrize(
    "digest,what", [(None, "is not there"), ("sha256:other", "is another one")]
)
def test_an_image_that_ci_has_not_pushed_here_is_named_and_nothing_is_copied(
    bench: Bench, digest: str | None, what: str
) -> None:
    bench.lists(UPSTREAM_GROUP, upstream(3))
    bench.lists(GROUP)
    bench.describes(3)
    bench.has_images(own=digest)
    with pytest.raises(LambdaError, match=f"upstream/3 was not imported: .*{what}.*push-images"):
        bench.run()


def test_a_copy_that_is_not_what_was_read_makes_no_version(bench: Bench) -> None:
    bench.lists(UPSTREAM_GROUP, upstream(3))
    bench.lists(GROUP)
    bench.describes(3)
    bench.has_images()
    bench.copies(ARTIFACT, KEYS[0], b"model", arrived=b"other")
    with pytest.raises(LambdaError, match=r"is not what s3://.*/model\.tar\.gz is"):
        bench.run()


def test_a_file_that_one_copy_cannot_take_is_refused_before_it_is_read(bench: Bench) -> None:
    bench.lists(UPSTREAM_GROUP, upstream(3))
    bench.lists(GROUP)
    bench.describes(3)
    bench.has_images()
    key = ARTIFACT.removeprefix(f"s3://{UPSTREAM_BUCKET}/")
    bench.reads(UPSTREAM_BUCKET, key, b"", length=5 * 10**9 + 1)
    with pytest.raises(LambdaError, match="larger than 5 GB"):
        bench.run()


def test_a_version_that_fails_does_not_hold_up_the_next(bench: Bench) -> None:
    bench.lists(UPSTREAM_GROUP, upstream(1), upstream(2), upstream(3))
    bench.lists(GROUP, own(1, of=1))
    bench.describes(2, InferenceSpecification={"Containers": [{"Image": IMAGE}]})
    bench.describes(3, ModelMetrics={})
    bench.has_images()
    bench.copies(ARTIFACT, KEYS[0], b"model")
    bench.sagemaker.answers("create_model_package", {"ModelPackageArn": own_arn(2)})
    with pytest.raises(
        LambdaError, match=r"upstream/2 was not imported: .* only a package of one container"
    ):
        bench.run()


def test_a_refusal_of_the_upstream_names_what_and_the_way_out(bench: Bench) -> None:
    bench.sagemaker.refuses("list_model_packages", "AccessDeniedException", "not authorized")
    with pytest.raises(LambdaError) as caught:
        bench.run()
    text = str(caught.value)
    assert text.startswith(f"staging refused sagemaker:ListModelPackages of {UPSTREAM_GROUP}: ")
    assert "[sharing] readers of staging" in text


def test_an_approval_that_is_neither_of_the_two_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in asdict(environment("automatic")).items():
        text = value if isinstance(value, str) else ",".join(value)
        monkeypatch.setenv(name.upper(), text)
    with pytest.raises(ConfigurationError, match="APPROVAL is 'automatic', not manual or inherit"):
        handle({}, Invocation())


def test_another_error_of_the_upstream_is_not_taken_for_a_refusal(bench: Bench) -> None:
    bench.sagemaker.refuses("list_model_packages", "ValidationException", "no such group")
    with pytest.raises(ClientError, match="no such group"):
        bench.run()
