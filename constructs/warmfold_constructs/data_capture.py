"""What an endpoint is asked and what it answers, kept in S3 for some requests.

SageMaker writes to ``{destination}/{endpoint}/{variant}/yyyy/mm/dd/hh/`` (developer guide, "Capture
data from real-time endpoint"). What is captured may be personal data: it has a prefix of its own,
the platform's key, and an age at which it goes.
"""

from dataclasses import dataclass

from aws_cdk import aws_sagemaker as sagemaker

_JSON_TYPES = ("application/json", "application/jsonlines")
_CSV_TYPES = ("text/csv",)


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """``destination`` is an S3 URI that is nobody else's; ``sampled_percent`` is 1 to 100."""

    destination: str
    sampled_percent: int


def captured_prefix(model: str) -> str:
    """The key prefix of what the endpoints of a model capture."""
    return f"{model}/captured/"


def capture_config(
    capture: DataCapture, key_arn: str
) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
    """Requests and answers. JSON and CSV as text: what is of another type, SageMaker writes in
    base64 (API reference, CaptureContentTypeHeader)."""
    kinds = sagemaker.CfnEndpointConfig
    return kinds.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=capture.sampled_percent,
        destination_s3_uri=capture.destination,
        kms_key_id=key_arn,
        capture_options=[
            kinds.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")
        ],
        capture_content_type_header=kinds.CaptureContentTypeHeaderProperty(
            json_content_types=[*_JSON_TYPES], csv_content_types=[*_CSV_TYPES]
        ),
    )
