"""What an update of an endpoint keeps of the endpoint (UpdateEndpoint: RetainAllVariantProperties).

Instance counts, weights, and data capture, but for ``ExcludeRetainedVariantProperties``. AWS does
not say what is retained of an endpoint that captures nothing: here the new configuration decides.
"""

from typing import Any

from warmfold_local.cloud import Record

_MEMBERS = {
    "DesiredInstanceCount": ("CurrentInstanceCount", "DesiredInstanceCount"),
    "DesiredWeight": ("CurrentWeight", "DesiredWeight"),
}
# Every member of a variant that can be kept.
COUNTS_AND_WEIGHTS = tuple(member for members in _MEMBERS.values() for member in members)

_CAPTURE = "DataCaptureConfig"


def retained_members(request: dict[str, Any]) -> list[str]:
    """Of each variant."""
    return [m for kind, members in _MEMBERS.items() if _retains(request, kind) for m in members]


def retains_capture(request: dict[str, Any]) -> bool:
    return _retains(request, _CAPTURE)


def capturing_as_before(record: Record, config: Record) -> Record:
    """``config`` with the endpoint's own data capture, if it has any."""
    own = record.get("_capture")
    return config if own is None else {**config, _CAPTURE: own}


def captured_by(config: Record) -> Record:
    """Members of the endpoint's record: DescribeEndpoint's summary, and all of it."""
    capture = config.get(_CAPTURE)
    if capture is None:
        return {"_capture": None, _CAPTURE: None}
    enabled = capture.get("EnableCapture", True)
    summary = {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
    return {"_capture": capture, _CAPTURE: summary}


def _retains(request: dict[str, Any], kind: str) -> bool:
    if not request.get("RetainAllVariantProperties", False):
        return False
    excluded = request.get("ExcludeRetainedVariantProperties", [])
    return kind not in {item["VariantPropertyType"] for item in excluded}
