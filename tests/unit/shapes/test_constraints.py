"""The shape checks say what AWS says: each kind of constraint, at the right path."""

import pytest
from botocore.model import Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

from warmfold_shapes.constraints import Violation, member_at, service_model, violations


def _input(operation: str) -> Shape:
    shape = service_model("sagemaker").operation_model(operation).input_shape
    assert shape is not None
    return shape


def _member(operation: str, path: str) -> Shape:
    shape = member_at(_input(operation), path)
    assert shape is not None
    return shape


def _only(shape: Shape, value: object) -> Violation:
    (violation,) = violations(shape, value)
    return violation


ROLE = "arn:aws:iam::111122223333:role/trainer"


def _training() -> dict[str, object]:
    return {
        "TrainingJobName": "job",
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/model"},
    }


def test_a_valid_request_has_no_violations() -> None:
    assert list(violations(_input("CreateTrainingJob"), _training())) == []


def test_a_missing_required_member_is_named() -> None:
    request = _training()
    del request["RoleArn"]

    violation = _only(_input("CreateTrainingJob"), request)

    assert (violation.path, violation.value) == ("RoleArn", None)
    assert "must not be null" in violation.constraint


def test_null_counts_as_absent() -> None:
    optional = {**_training(), "Environment": None}
    required = {**_training(), "RoleArn": None}

    assert list(violations(_input("CreateTrainingJob"), optional)) == []
    assert _only(_input("CreateTrainingJob"), required).path == "RoleArn"


def test_an_unknown_member_is_named_with_its_structure() -> None:
    violation = _only(_input("CreateTrainingJob"), {**_training(), "Role": ROLE})

    assert violation.path == "Role"
    assert "CreateTrainingJobRequest" in violation.constraint


def test_paths_go_through_lists_and_maps() -> None:
    request = {
        **_training(),
        "HyperParameters": {"rounds": 5},
        "InputDataConfig": [{"ChannelName": "train"}],
    }

    paths = {violation.path for violation in violations(_input("CreateTrainingJob"), request)}

    assert paths == {"HyperParameters.rounds", "InputDataConfig[0].DataSource"}


def test_an_enum_violation_carries_the_allowed_values() -> None:
    strategy = _member("CreateHyperParameterTuningJob", "HyperParameterTuningJobConfig.Strategy")

    violation = _only(strategy, "Bayes")

    assert violation.allowed == ("Bayesian", "Grid", "Hyperband", "Random")
    assert "[Bayesian, Grid, Hyperband, Random]" in violation.constraint


@pytest.mark.parametrize(
    "path, value, words",
    [
        ("TrainingJobName", "j" * 64, "length less than or equal to 63"),
        ("TrainingJobName", "-job", "regular expression"),
        ("RoleArn", "arn:aws:iam::1:role/x", "regular expression"),
        ("RoleArn", "short", "length greater than or equal to 20"),
        ("RetryStrategy.MaximumRetryAttempts", 31, "value less than or equal to 30"),
        ("RetryStrategy.MaximumRetryAttempts", 0, "value greater than or equal to 1"),
        ("InputDataConfig", [], "length greater than or equal to 1"),
        ("Environment", {f"V{i}": "" for i in range(101)}, "length less than or equal to 100"),
        ("Environment", {"1A": ""}, "regular expression"),
        ("EnableNetworkIsolation", "true", "type boolean"),
        ("RetryStrategy.MaximumRetryAttempts", True, "type integer"),
        ("RetryStrategy.MaximumRetryAttempts", "3", "type integer"),
        ("TrainingJobName", 7, "type string"),
        ("Tags", {}, "a list"),
        ("Environment", [], "a map"),
        ("StoppingCondition", 3600, "a structure"),
    ],
)
def test_each_constraint_is_enforced(path: str, value: object, words: str) -> None:
    found = list(violations(_member("CreateTrainingJob", path), value))

    assert any(words in violation.constraint for violation in found), found


def test_patterns_written_for_java_work() -> None:
    """Two shapes carry a stray ``$`` before a quantifier; others name Unicode categories."""
    metadata = _member("CreateModelPackage", "CustomerMetadataProperties")
    description = _member("CreateModelPackage", "ModelPackageDescription")

    assert list(violations(metadata, {"git_commit": "0a1b - naïve"})) == []
    assert "pattern" in _only(metadata, {"note": "50 %"}).constraint
    assert list(violations(description, "Kreditwürdigkeit €")) == []


def test_an_integer_is_a_float_but_a_boolean_is_neither() -> None:
    target = _member(
        "CreateHyperParameterTuningJob",
        "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.TargetObjectiveMetricValue",
    )

    assert list(violations(target, 1)) == []
    assert list(violations(target, 0.5)) == []
    assert "type float" in _only(target, True).constraint


def test_a_union_has_exactly_one_member() -> None:
    union = _first_union()
    both: dict[str, object] = {name: {} for name in union.members}

    for value in ({}, both):
        found = {violation.constraint for violation in violations(union, value)}
        assert "Exactly one member must be set" in found


def _first_union() -> StructureShape:
    model = service_model("sagemaker")
    for name in model.shape_names:
        shape = model.shape_for(name)
        if isinstance(shape, StructureShape) and shape.is_tagged_union and len(shape.members) > 1:
            return shape
    raise AssertionError("SageMaker's model has no union")


@pytest.mark.parametrize(
    "path, name",
    [
        ("ModelArtifacts.S3ModelArtifacts", "S3Uri"),
        ("InputDataConfig[0].ChannelName", "ChannelName"),
        ("InputDataConfig['train'].ChannelName", "ChannelName"),
        ("HyperParameters['rounds']", "HyperParameterValue"),
        ("HyperParameters.rounds", "HyperParameterValue"),
    ],
)
def test_a_path_leads_to_its_shape(path: str, name: str) -> None:
    output = service_model("sagemaker").operation_model("DescribeTrainingJob").output_shape
    assert output is not None

    shape = member_at(output, path)

    assert shape is not None
    assert shape.name == name


@pytest.mark.parametrize("path", ["Model", "ModelArtifacts.S3", "TrainingJobName.Length", "[0]"])
def test_a_path_to_nothing_gives_none(path: str) -> None:
    output = service_model("sagemaker").operation_model("DescribeTrainingJob").output_shape
    assert output is not None

    assert member_at(output, path) is None


def test_a_violation_reads_as_one_line() -> None:
    assert str(Violation("A.B", 3, "Member must be even")) == "A.B: Member must be even (got 3)"
    assert str(Violation("", None, "bad")) == "request: bad (got None)"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(max_size=5) | st.sampled_from(["RoleArn", "Tags", "Environment"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_no_json_makes_the_check_fail(value: object) -> None:
    """A request is either found faulty or has all the required members."""
    assert list(violations(_input("CreateTrainingJob"), value))
