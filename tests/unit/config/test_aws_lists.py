"""Regions and instance types: the lists are AWS's; what is none of them is told with its key."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest
import regex
from botocore.session import Session

from config.aws_lists import instance_types, regions
from config.checks_tags import _allowed
from tests.unit.config.environment_file import Place
from tests.unit.config.test_checks import MODEL, SERVING, messages
from warmfold_shapes.constraints import service_model

SHAPES = {
    "endpoint": "ProductionVariantInstanceType",
    "processing": "ProcessingInstanceType",
    "training": "TrainingInstanceType",
    "transform": "TransformInstanceType",
}
REGISTERED: Place = (*MODEL, "registration", "realtime_instance_types")


@pytest.mark.parametrize("use", SHAPES)
def test_the_instance_types_are_those_of_the_api(use: str) -> None:
    shape: Any = service_model("sagemaker").shape_for(SHAPES[use])
    assert set(instance_types()[use]) == set(shape.enum)


def test_the_regions_are_those_with_sagemaker() -> None:
    session = Session()
    every = (
        session.get_available_regions("sagemaker", partition_name=partition)
        for partition in session.get_available_partitions()
    )
    assert set(regions()) == {region for found in every for region in found}


def test_characters_of_a_tag_are_those_of_the_api() -> None:
    shape: Any = service_model("sagemaker").shape_for("TagKey")
    pattern = regex.compile(shape.metadata["pattern"])
    assigned = (chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) != "Cn")
    assert [c for c in assigned if _allowed(c) != bool(pattern.fullmatch(c))] == []


@pytest.mark.parametrize(
    "job,wrong,expected",
    [
        ("trial", "ml.m5.xlage", "training jobs take such as ml.m5.xlarge"),
        ("trial", "ml.c5.large", "is an instance type, and not one of training jobs; training"),
        ("search", "ml.c5.xlage", "training jobs take such as ml.c5.xlarge"),
        ("final", "ml.m99.large", "is no instance type of SageMaker; training jobs take such as"),
        ("processing", "ml.m5.lrge", "processing jobs take such as ml.m5.large"),
        ("evaluation", "ml.m5.lrge", "processing jobs take such as ml.m5.large"),
        ("transform", "ml.r5.large", "and not one of transform jobs; transform jobs take such as"),
    ],
)
def test_a_type_that_a_job_cannot_have_is_told_with_near_ones(
    tmp_path: Path, job: str, wrong: str, expected: str
) -> None:
    (found,) = messages(tmp_path, ((*MODEL, "jobs", job, "instance_type"), wrong))
    assert found.startswith(f'models[0].jobs.{job}.instance_type = "{wrong}": is ')
    assert expected in found


def test_batch_and_endpoint_are_held_to_their_own_lists(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, ((*MODEL, "batch", "compute", "instance_type"), "ml.c5.large"))
    assert found.startswith('models[0].batch.compute.instance_type = "ml.c5.large": is an instance')


def test_a_typo_of_the_endpoints_type_is_no_matter_of_what_is_registered(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, ((*SERVING, "instance_type"), "ml.c5.lage"))
    assert found.startswith('models[0].serving.instance_type = "ml.c5.lage": is no instance type')
    assert "endpoints take such as ml.c5.large" in found


def test_a_typo_of_a_registered_type_is_told_where_it_stands(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, (REGISTERED, ["ml.m5.large", "ml.c5.lage"]))
    assert found.startswith('models[0].registration.realtime_instance_types[1] = "ml.c5.lage": is')
    (found,) = messages(tmp_path, (REGISTERED, ["ml.c5.large", "ml.c5.large"]))
    assert found.endswith(
        'realtime_instance_types[1] = "ml.c5.large": is there already; name it once'
    )


def test_a_type_that_exists_and_is_not_registered_is_to_be_added(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, ((*SERVING, "instance_type"), "ml.r6g.large"))
    assert "lacks serving.instance_type (ml.r6g.large); add it" in found


def test_a_region_that_does_not_exist_is_one_fault(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, (("environment", "region"), "eu-wst-1"))
    assert "is no region with SageMaker, did you mean 'eu-west-1'?" in found
