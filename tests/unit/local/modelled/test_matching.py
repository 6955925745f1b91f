"""Which jobs share a pool: the documented members decide, and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.modelled.matching import cluster_key

REQUEST: dict[str, Any] = {
    "TrainingJobName": "a",
    "RoleArn": "arn:aws:iam::000000000000:role/fold",
    "AlgorithmSpecification": {"TrainingImage": "one:1", "TrainingInputMode": "File"},
    "HyperParameters": {"rounds": "10"},
    "Environment": {"OWN": "1"},
    "InputDataConfig": [],
    "OutputDataConfig": {"S3OutputPath": "s3://artifacts/a"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "ResourceConfig": {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 10,
        "VolumeKmsKeyId": "key",
        "KeepAlivePeriodInSeconds": 60,
    },
    "VpcConfig": {"SecurityGroupIds": ["sg-1", "sg-2"], "Subnets": ["subnet-1"]},
    "EnableInterContainerTrafficEncryption": True,
    "EnableNetworkIsolation": True,
}


def with_value(path: str, value: Any) -> dict[str, Any]:
    request = copy.deepcopy(REQUEST)
    *parents, last = path.split(".")
    target = request
    for name in parents:
        target = target.setdefault(name, {})
    target[last] = value
    return request


@pytest.mark.parametrize(
    "path, value",
    [
        ("RoleArn", "arn:aws:iam::000000000000:role/trial"),
        ("ResourceConfig.InstanceType", "ml.m5.xlarge"),
        ("ResourceConfig.InstanceCount", 2),
        ("ResourceConfig.VolumeSizeInGB", 11),
        ("ResourceConfig.VolumeKmsKeyId", "another"),
        ("VpcConfig.SecurityGroupIds", ["sg-1"]),
        ("VpcConfig.Subnets", ["subnet-1", "subnet-2"]),
        ("VpcConfig", None),
        ("EnableInterContainerTrafficEncryption", False),
        ("EnableNetworkIsolation", False),
        ("SessionChainingConfig.EnableSessionTagChaining", True),
        ("EnableManagedSpotTraining", True),
    ],
)
def test_a_documented_member_that_differs_keeps_jobs_apart(path: str, value: Any) -> None:
    assert cluster_key(with_value(path, value)) != cluster_key(REQUEST)


@pytest.mark.parametrize(
    "path, value",
    [
        ("TrainingJobName", "b"),
        ("AlgorithmSpecification.TrainingImage", "another:2"),
        ("HyperParameters", {"rounds": "99"}),
        ("Environment", {}),
        ("InputDataConfig", [{"ChannelName": "train"}]),
        ("OutputDataConfig.S3OutputPath", "s3://artifacts/b"),
        ("StoppingCondition.MaxRuntimeInSeconds", 3600),
        ("ResourceConfig.KeepAlivePeriodInSeconds", 0),
        ("VpcConfig.SecurityGroupIds", ["sg-2", "sg-1"]),
        ("SessionChainingConfig.EnableSessionTagChaining", False),
    ],
)
def test_what_is_not_documented_may_differ(path: str, value: Any) -> None:
    assert cluster_key(with_value(path, value)) == cluster_key(REQUEST)


def test_absent_flags_mean_false_and_absent_networks_none() -> None:
    plain = with_value("VpcConfig", None) | {"EnableNetworkIsolation": False}
    bare = {k: v for k, v in plain.items() if k not in ("VpcConfig", "EnableNetworkIsolation")}
    assert cluster_key(plain) == cluster_key(bare)


def test_chained_sessions_match_only_with_the_same_tags() -> None:
    chained = with_value("SessionChainingConfig.EnableSessionTagChaining", True)
    one, two = {"team": "one"}, {"team": "two"}
    assert cluster_key(chained, one) == cluster_key(chained, dict(one))
    assert cluster_key(chained, one) != cluster_key(chained, two)
    assert cluster_key(REQUEST, one) == cluster_key(REQUEST, two)


_RELEVANT: tuple[Callable[[dict[str, Any]], Any], ...] = (
    lambda r: r["RoleArn"],
    lambda r: r["ResourceConfig"]["InstanceType"],
    lambda r: r["ResourceConfig"]["InstanceCount"],
    lambda r: r["ResourceConfig"]["VolumeSizeInGB"],
    lambda r: r["ResourceConfig"].get("VolumeKmsKeyId"),
    lambda r: set(r["VpcConfig"]["SecurityGroupIds"]),
    lambda r: set(r["VpcConfig"]["Subnets"]),
    lambda r: r["EnableInterContainerTrafficEncryption"],
    lambda r: r["EnableNetworkIsolation"],
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    names = st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2, unique=True)
    resources = {
        "InstanceType": draw(st.sampled_from(["ml.m5.large", "ml.m5.xlarge"])),
        "InstanceCount": draw(st.integers(1, 2)),
        "VolumeSizeInGB": draw(st.integers(1, 2)),
        "KeepAlivePeriodInSeconds": draw(st.integers(0, 3600)),
    }
    if draw(st.booleans()):
        resources["VolumeKmsKeyId"] = draw(st.sampled_from(["k", "l"]))
    return {
        "TrainingJobName": draw(st.text(max_size=3)),
        "RoleArn": draw(st.sampled_from(["a", "b"])),
        "HyperParameters": draw(st.dictionaries(st.text(max_size=2), st.text(max_size=2))),
        "ResourceConfig": resources,
        "VpcConfig": {"SecurityGroupIds": draw(names), "Subnets": draw(names)},
        "EnableInterContainerTrafficEncryption": draw(st.booleans()),
        "EnableNetworkIsolation": draw(st.booleans()),
    }


@given(requests(), requests())
def test_two_requests_match_exactly_when_every_documented_member_agrees(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    agree = all(member(one) == member(two) for member in _RELEVANT)
    assert (cluster_key(one) == cluster_key(two)) is agree
    assert (cluster_key(two) == cluster_key(one)) is agree
    assert not agree or hash(cluster_key(one)) == hash(cluster_key(two))
