"""Shadow variants from the outside: a copy of the requests, and nobody who hears of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.test_data_capture import BUCKET, Capturing

pytestmark = pytest.mark.localcloud


class Shadowed(Capturing):
    """Endpoints whose requests are copied to a second model."""

    def shadowed(self, image: str, weight: float = 1.0, **changes: Any) -> str:
        """A configuration that captures both variants; ``image`` is the shadow's."""
        production = self.config(self.cloud.tiny_server(), self.model_data("production"))
        shadow = self.config(image, self.model_data("shadow"))
        variants = [
            {"VariantName": name, "ModelName": model, "InstanceType": "ml.m5.large"}
            for name, model in (("main", production), ("shadow", shadow))
        ]
        name = f"{shadow}-shadowed"
        request: dict[str, Any] = {
            "EndpointConfigName": name,
            "ProductionVariants": variants[:1],
            "ShadowProductionVariants": [{**variants[1], "InitialVariantWeight": weight}],
            "DataCaptureConfig": {
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": f"s3://{BUCKET}/{self.prefix}",
                "CaptureOptions": [{"CaptureMode": "Output"}],
                "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
            },
            **changes,
        }
        self.sagemaker.create_endpoint_config(**request)
        return name

    def answers(self, variant: str) -> list[str]:
        """What a variant was captured to have answered."""
        s3 = self.cloud.client("s3")
        keys = [key for key in self.keys() if f"/{variant}/" in key]
        bodies = [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for key in keys]
        return [line for body in bodies for line in body.splitlines()]

    def answered(self, variant: str, count: int) -> None:
        """Wait until so many of its answers are captured."""
        wait_for(lambda: len(self.answers(variant)) == count, f"{count} answers of {variant}")

    def measured(self, endpoint: str, variant: str) -> None:
        """Wait until CloudWatch has invocations of the variant."""
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        asked = {
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocations",
            "Dimensions": [{"Name": name, "Value": of} for name, of in dimensions.items()],
        }
        client = self.cloud.client("cloudwatch")
        wait_for(lambda: client.list_metrics(**asked)["Metrics"], f"invocations of {variant}")


@pytest.fixture
def hosting(cloud: RunningCloud) -> Iterator[Shadowed]:
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    made = Shadowed(cloud)
    yield made
    made.delete_all()


def test_the_shadow_gets_every_request_and_answers_nobody(hosting: Shadowed) -> None:
    endpoint = hosting.create(hosting.shadowed(hosting.cloud.tiny_server()))
    described = hosting.settled(endpoint)
    assert [v["VariantName"] for v in described["ProductionVariants"]] == ["main"]
    assert [v["VariantName"] for v in described["ShadowProductionVariants"]] == ["shadow"]
    heard = [hosting.invoke(endpoint, ContentType="text/csv") for _ in range(5)]
    assert {answer["Body"]["model"] for answer in heard} == {"production"}
    assert {answer["InvokedProductionVariant"] for answer in heard} == {"main"}
    for variant in ("main", "shadow"):
        hosting.answered(variant, 5)
        hosting.measured(endpoint, variant)
    assert all('\\"model\\": \\"shadow\\"' in line for line in hosting.answers("shadow"))
    assert hosting.invoke_error(endpoint, b"x", TargetVariant="shadow")["Error"]["Code"] == (
        "ValidationError"
    )


def test_a_shadow_that_fails_harms_no_answer(hosting: Shadowed) -> None:
    endpoint = hosting.create(hosting.shadowed(hosting.cloud.tiny_server("failing")))
    assert hosting.settled(endpoint)["EndpointStatus"] == "InService"
    for _ in range(3):
        assert hosting.invoke(endpoint, ContentType="text/csv")["Body"]["model"] == "production"
    hosting.measured(endpoint, "shadow")
    hosting.answered("main", 3)
    assert hosting.answers("shadow") == []


def test_a_share_of_the_requests_is_copied(hosting: Shadowed) -> None:
    endpoint = hosting.create(hosting.shadowed(hosting.cloud.tiny_server(), weight=0.3))
    hosting.settled(endpoint)
    for _ in range(60):
        hosting.invoke(endpoint, ContentType="text/csv")
    hosting.delete_all()
    hosting._endpoints.clear()
    assert len(hosting.answers("main")) == 60
    assert 2 <= len(hosting.answers("shadow")) <= 45


def test_a_shadow_can_be_added_and_taken_away_again(hosting: Shadowed) -> None:
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    shadowed = hosting.shadowed(hosting.cloud.tiny_server())
    plain = hosting.config(hosting.cloud.tiny_server())
    for config, there in ((shadowed, True), (plain, False)):
        hosting.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName=config, RetainAllVariantProperties=True
        )
        described = hosting.settled(endpoint)
        assert described["EndpointConfigName"] == config
        assert ("ShadowProductionVariants" in described) is there


def test_two_production_variants_have_no_shadow(hosting: Shadowed) -> None:
    model = hosting.config(hosting.cloud.tiny_server())
    two = [
        {"VariantName": name, "ModelName": model, "InstanceType": "ml.m5.large"}
        for name in ("main", "other")
    ]
    with pytest.raises(ClientError, match="only one production and one shadow variant"):
        hosting.shadowed(hosting.cloud.tiny_server(), ProductionVariants=two)
