"""What of a record goes into the daily batch and comes out of it."""

from pathlib import Path

import pytest

from config.load import load_settings
from stacks import translate
from tests.unit.config.environment_file import Place, set_at, values, write
from tests.unit.config.test_checks import messages
from warmfold_local.sagemaker.transform_filters import Filter

BATCH: Place = ("models", 0, "batch")
INPUT: Place = (*BATCH, "input_filter")
OUTPUT: Place = (*BATCH, "output_filter")


@pytest.mark.parametrize(
    "path",
    ["$", "$.features", "$['the income']", "$.a['b'].c", "$['a','b']", "$.a['b', 'c']"],
)
def test_a_path_into_an_object_is_taken_and_means_something(tmp_path: Path, path: str) -> None:
    folder = write(tmp_path, set_at(values(), INPUT, path))
    spec = translate.scoring_spec(load_settings("prod", folder).models[0])

    record = {"a": {"b": {"c": 1}, "c": 2}, "b": 3, "features": 4, "the income": 5}
    assert Filter(spec.input_filter).apply(record) is not None


@pytest.mark.parametrize(
    "path",
    ["$", "$.SageMakerOutput", "$.SageMakerOutput.score", "$['id','SageMakerOutput']"],
)
def test_an_output_keeps_the_prediction(tmp_path: Path, path: str) -> None:
    folder = write(tmp_path, set_at(values(), OUTPUT, path))
    assert translate.scoring_spec(load_settings("prod", folder).models[0]).output_filter == path


@pytest.mark.parametrize("place", [INPUT, OUTPUT])
@pytest.mark.parametrize(
    "path,expected",
    [
        ("", 'is no JSONPath for a JSON object; write "$" for the whole record'),
        ("SageMakerOutput", "is no JSONPath"),
        ("$SageMakerOutput", "is no JSONPath"),
        ("$..SageMakerOutput", "is no JSONPath"),
        ("$.*", "is no JSONPath"),
        ("$[0]", "is no JSONPath"),
        ("$[0:2]", "is no JSONPath"),
        ("$['SageMakerOutput'", "is no JSONPath"),
        ("$['SageMakerOutput','a'].b", "is no JSONPath"),
        ("$.SageMakerOutput[?(@.a)]", "is no JSONPath"),
        ("$.SageMakerOutput" + ".a" * 22 + ".aa", "has 64 characters; SageMaker takes 63"),
    ],
)
def test_what_is_no_path_into_an_object_is_refused(
    tmp_path: Path, place: Place, path: str, expected: str
) -> None:
    (found,) = messages(tmp_path, (place, path))
    assert f".{place[-1]} = " in found
    assert expected in found


@pytest.mark.parametrize(
    "path", ["$.id", "$['id','age']", "$.id.SageMakerOutput", "$['a.SageMakerOutput','b']"]
)
def test_an_output_without_the_prediction_is_refused(tmp_path: Path, path: str) -> None:
    (found,) = messages(tmp_path, (OUTPUT, path))
    assert "leaves no prediction in the output; keep SageMakerOutput" in found


def test_a_path_of_63_characters_is_the_longest(tmp_path: Path) -> None:
    path = "$.SageMakerOutput" + ".a" * 23
    assert len(path) == 63
    load_settings("prod", write(tmp_path, set_at(values(), OUTPUT, path)))
