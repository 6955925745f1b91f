"""Names and lists at what AWS allows are taken, one beyond is refused by the file's reader."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.model import Shape
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.checks_names import Limited, environment_names, model_names, name_faults
from config.errors import InvalidSettingsError
from config.load import load_settings
from config.names import Names
from tests.unit.config.environment_file import Place, dotted, set_at, values, write
from tests.unit.pipeline.examples import GBDT, REFS, SPEC
from warmfold.pipeline.training import training_pipeline
from warmfold.pipeline.validate import faults as pipeline_faults
from warmfold_contract.hyperparameters import encode_range
from warmfold_shapes.constraints import service_model

ACCOUNT, REGION = "333333333333", "eu-west-1"
MODEL: Place = ("models", 0)
CANDIDATE: Place = (*MODEL, "candidates", 0)

_NAMES = st.from_regex(r"[a-z](-?[a-z0-9]){0,60}", fullmatch=True)


def load(folder: Path, content: dict[str, Any], environment: str = "prod") -> list[str]:
    """What is said about a file; empty if it is taken."""
    try:
        load_settings(environment, write(folder, content, environment))
    except InvalidSettingsError as error:
        return [str(fault) for fault in error.faults]
    return []


def member(service: str, operation: str, *path: str) -> Shape:
    """The shape of a request's member; ``[]`` is a list's."""
    shape: Any = service_model(service).operation_model(operation).input_shape
    for name in path:
        shape = shape.member if name == "[]" else shape.members[name]
    return shape  # type: ignore[no-any-return]


# The name as the service's own API takes it: where AWS's model states a maximum, ours is no other.
STATED = {
    "budget": ("budgets", "CreateBudget", "Budget", "BudgetName"),
    "endpoint": ("sagemaker", "CreateEndpoint", "EndpointName"),
    "IAM policy": ("iam", "CreatePolicy", "PolicyName"),
    "IAM role": ("iam", "CreateRole", "RoleName"),
    "event bus": ("events", "CreateEventBus", "Name"),
    "key alias": ("kms", "CreateAlias", "AliasName"),
    "log group": ("logs", "CreateLogGroup", "logGroupName"),
    "model package group": ("sagemaker", "CreateModelPackageGroup", "ModelPackageGroupName"),
    "repository": ("ecr", "CreateRepository", "repositoryName"),
    "SageMaker model": ("sagemaker", "CreateModel", "ModelName"),
    "schedule": ("scheduler", "CreateSchedule", "Name"),
    "schedule group": ("scheduler", "CreateScheduleGroup", "Name"),
    "scoring pipeline": ("sagemaker", "CreatePipeline", "PipelineName"),
    "training pipeline": ("sagemaker", "CreatePipeline", "PipelineName"),
}
# Stated in words only (S3, CloudFormation, CloudWatch, SNS, SSM and Lambda, whose model has the
# maximum of a whole ARN: each in its API reference).
IN_WORDS = {
    "bucket": 63,
    "stack": 128,
    "dashboard": 255,
    "SNS topic": 256,
    "SSM parameter": 1011,
    "Lambda function": 64,
}


def every_name(environment: str, model: str, region: str = REGION) -> list[Limited]:
    names = Names(environment)
    return [*environment_names(names, ACCOUNT, region), *model_names(names.model(model))]


def test_the_limits_are_those_that_aws_states() -> None:
    found = {each.what: each.limit for each in every_name("prod", "m")}
    stated = {what: member(*place).metadata.get("max") for what, place in STATED.items()}
    assert found == {**stated, **IN_WORDS}


@given(environment=_NAMES, model=_NAMES)
@hypothesis_settings(max_examples=200, deadline=None)
def test_a_name_is_refused_if_and_only_if_it_makes_one_too_long(
    environment: str, model: str
) -> None:
    table = {"account": ACCOUNT, "region": REGION}
    found = list(name_faults({"environment": table, "models": [{"name": model}]}, environment))
    for key, limited in (
        ("name", environment_names(Names(environment), ACCOUNT, REGION)),
        ("models[0].name", model_names(Names(environment).model(model))),
    ):
        over = max(len(each.name) - each.limit for each in limited)
        told = [fault for fault in found if fault.key == key]
        assert len(told) == (1 if over > 0 else 0)
        assert all(f" by {over}" in fault.remedy for fault in told)


def longest(make: Any) -> int:
    """How many characters ``make(length)`` may be given until one of its names is too long."""
    return max(n for n in range(1, 200) if all(each.excess <= 0 for each in make(n)))


def test_the_longest_names_are_taken_and_one_more_is_refused_by_the_reader(tmp_path: Path) -> None:
    most = longest(lambda n: environment_names(Names("e" * n), ACCOUNT, REGION))
    model = longest(lambda n: model_names(Names("e" * most).model("m" * n)))
    content = set_at(values("dev"), (*MODEL, "name"), "m" * model)
    content = set_at(content, ("environment", "account"), ACCOUNT)
    assert load(tmp_path, content, "e" * most) == []
    (found,) = load(tmp_path, set_at(content, (*MODEL, "name"), "m" * (model + 1)), "e" * most)
    assert found.startswith(f'models[0].name = "{"m" * (model + 1)}": makes the IAM role ')
    assert found.endswith(
        f"AWS allows 64: shorten by 1 in all: the model's name has {model + 1}, and the "
        f"environment's, which is its file's, {most}"
    )
    bucket, role = load(tmp_path, content, "e" * (most + 1))
    assert bucket.startswith(f'name = "{"e" * (most + 1)}": makes the bucket ')
    assert bucket.endswith("shorten the environment's name, which is its file's, by 1")
    assert "characters long; AWS allows 64: shorten by 1 in all" in role


@pytest.mark.parametrize("name", ["Prod", "prod_eu", "1prod", "prod.eu"])
def test_an_environment_that_no_bucket_can_be_called_by_is_refused(
    tmp_path: Path, name: str
) -> None:
    (found,) = load(tmp_path, values("dev"), name)
    assert found.startswith(f'name = "{name}": is no environment\'s name')


def fraction(length: int, digits: int = 1) -> str:
    """A text of so many characters that is a number below 1."""
    return f"0.{digits:0{length - 2}d}"


def texts(count: int, length: int = 4) -> list[str]:
    """Different texts of a length."""
    return [fraction(length, number) for number in range(1, 1 + count)]


def category(*choices: str) -> dict[str, object]:
    return {"kind": "categorical", "values": list(choices)}


def candidates(count: int) -> list[Any]:
    one = values()["models"][0]["candidates"][0]
    return [{**one, "name": f"c{number}"} for number in range(count)]


RATE: Place = (*CANDIDATE, "ranges", "learning_rate")
FIXED: Place = (*CANDIDATE, "static", "lambda_l1")
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy"
TAGS: Place = ("environment", "tags")

# Where, the most, one more, and a part of the answer. Beside each the service's own maximum, if
# AWS's model states one.
LISTS: dict[str, tuple[Place, Any, Any, str]] = {
    "candidate": ((*CANDIDATE, "name"), "c" * 20, "c" * 21, "at most 20"),
    "candidate with hyphens": ((*CANDIDATE, "name"), "c-c" * 6, "c-c" * 7, "at most 20"),
    "candidates": ((*MODEL, "candidates"), candidates(41), candidates(42), "keep 41"),
    "value": (FIXED, fraction(2500), fraction(2501), "2500 at most"),
    "category": (RATE, category(*texts(2, 256)), category(*texts(2, 257)), "256 at most"),
    "categories": (RATE, category(*texts(30)), category(*texts(31)), "1 to 30"),
    "tags": (TAGS, dict.fromkeys(texts(40), ""), dict.fromkeys(texts(41), ""), "keep 40"),
    "tag": (TAGS, {"t" * 128: ""}, {"t" * 129: ""}, "128 characters"),
    "tag's value": (TAGS, {"t": "v" * 256}, {"t": "v" * 257}, "256 for a value"),
    "boundary": (
        ("environment", "permissions_boundary"),
        f"{BOUNDARY}/{'p' * 128}",
        f"{BOUNDARY}/{'p' * 129}",
        "the ARN of a managed policy",
    ),
    "boundary's path": (
        ("environment", "permissions_boundary"),
        f"{BOUNDARY}/{'p' * 510}/name",
        f"{BOUNDARY}/{'p' * 511}/name",
        "the ARN of a managed policy",
    ),
    "repository": (
        ("ci", "repository"),
        f"{'o' * 39}/{'r' * 100}",
        f"{'o' * 40}/{'r' * 100}",
        "owner/name",
    ),
}


@pytest.mark.parametrize("kind", LISTS)
def test_what_aws_allows_is_taken_and_one_more_is_refused_with_its_place(
    tmp_path: Path, kind: str
) -> None:
    place, most, more, remedy = LISTS[kind]
    assert load(tmp_path, set_at(values(), place, most)) == []
    found = load(tmp_path, set_at(values(), place, more))
    assert found
    assert all(each.startswith(dotted(place)) and remedy in each for each in found), found


TUNING_RANGES = (
    "sagemaker",
    "CreateHyperParameterTuningJob",
    "HyperParameterTuningJobConfig",
    "ParameterRanges",
    "CategoricalParameterRanges",
    "[]",
    "Values",
)


def test_lists_and_texts_of_a_search_are_as_long_as_aws_states() -> None:
    parameters: Any = member("sagemaker", "CreateTrainingJob", "HyperParameters")
    assert (parameters.metadata["max"], parameters.value.metadata["max"]) == (100, 2500)
    choices: Any = member(*TUNING_RANGES)
    assert (choices.metadata["max"], choices.member.metadata["max"]) == (30, 256)


def test_a_search_in_one_job_is_given_a_range_as_one_hyperparameter(tmp_path: Path) -> None:
    """Thirty categories of 256 characters each suit a tuning job, and no single hyperparameter."""
    content = set_at(values(), (*MODEL, "tuning", "engine"), "in_job")
    content = set_at(content, (*MODEL, "cross_validation", "strategy"), "in_job")
    empty = encode_range(kind="categorical", minimum=None, maximum=None, values=(), scaling="Auto")
    # each text has two quotes, and each but the first a comma
    left = 2500 - len(empty) - 9 * (250 + 3) - 2
    fits = [*texts(9, 250), fraction(left, 99)]
    assert load(tmp_path, set_at(content, RATE, category(*fits))) == []
    more = [*texts(9, 250), fraction(left + 1, 99)]
    (found,) = load(tmp_path, set_at(content, RATE, category(*more)))
    assert found.startswith(f"{dotted(RATE)}.values = 10: take 2501 characters")


def test_as_many_candidates_as_the_reader_takes_make_a_pipeline_and_one_more_makes_none() -> None:
    def definition(count: int) -> dict[str, Any]:
        each = tuple(replace(GBDT, name=f"c{number}") for number in range(count))
        return training_pipeline(replace(SPEC, candidates=each, parallel_trials=1), REFS)

    assert pipeline_faults(definition(41)) == []
    (found,) = pipeline_faults(definition(42))
    assert "SageMaker takes 50 at most" in str(found)


def test_all_that_is_too_long_is_told_at_once(tmp_path: Path) -> None:
    content, kinds = values(), ("tags", "repository", "category")
    for place, _, more, _ in (LISTS[kind] for kind in kinds):
        content = set_at(content, place, more)
    found = load(tmp_path, set_at(content, (*MODEL, "name"), "m" * 60), "e" * 40)
    for key in ("name = ", "models[0].name", *(dotted(LISTS[kind][0]) for kind in kinds)):
        assert any(fault.startswith(key) for fault in found), (key, found)
