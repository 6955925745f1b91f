"""The metric line: writer, parser and SageMaker's regex agree."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.metrics import (
    OBJECTIVE,
    TRIAL_METRICS,
    fold_metric,
    format_metric,
    metric_definitions,
    metric_regex,
    parse_metric,
    without_tag,
)

NAMES = st.sampled_from([*TRIAL_METRICS, fold_metric(1), fold_metric(12)])
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(NAMES, FINITE)
def test_what_is_written_is_read_back_by_parser_and_regex(name: str, value: float) -> None:
    line = format_metric(name, value)
    parsed = parse_metric(f"{line}\n")
    match = re.search(metric_regex(name), line)
    assert parsed is not None
    assert match is not None
    assert parsed[0] == name
    assert parsed[1] == float(match.group(1)) == value


@given(NAMES, NAMES, FINITE)
def test_a_regex_reads_its_own_metric_only(name: str, other: str, value: float) -> None:
    found = re.search(metric_regex(name), format_metric(other, value))
    assert (found is not None) == (name == other)


@given(st.text(max_size=20).filter(lambda text: "\n" not in text), FINITE)
def test_a_line_that_has_anything_before_the_tag_is_no_metric(before: str, value: float) -> None:
    line = f"{before}{format_metric(OBJECTIVE, value)}"
    assert (parse_metric(line) is not None) == (before == "")
    assert (re.search(metric_regex(OBJECTIVE), line) is not None) == (before == "")


@given(st.text(max_size=20), NAMES, FINITE, st.text(max_size=20))
def test_no_line_of_a_text_without_the_tag_is_a_metric(
    before: str, name: str, value: float, after: str
) -> None:
    text = without_tag(f"{before}\n{format_metric(name, value)}\n{after}")
    lines = re.split(r"[\r\n]", text)
    assert not any(parse_metric(line) for line in lines)
    assert re.search(metric_regex(name), text, re.MULTILINE) is None


@given(st.text(max_size=40))
def test_ordinary_log_output_is_no_metric(text: str) -> None:
    assert parse_metric(text) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_never_written(value: float) -> None:
    with pytest.raises(ValueError, match="validation:score is"):
        format_metric(OBJECTIVE, value)


def test_the_definitions_of_a_trial_name_every_metric_once_with_one_group() -> None:
    definitions = metric_definitions(5)
    names = [definition["Name"] for definition in definitions]
    assert names == [*TRIAL_METRICS, *(fold_metric(fold) for fold in range(1, 6))]
    assert all(re.compile(entry["Regex"]).groups == 1 for entry in definitions)
    assert all(len(entry["Regex"]) <= 500 for entry in definitions)
