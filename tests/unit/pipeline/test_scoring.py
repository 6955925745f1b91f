"""What the batch scoring pipeline promises to the schedule's Lambda and to readers."""

from tests.unit.pipeline.examples import scoring, step_of, training
from warmfold.pipeline.document import read_document
from warmfold.pipeline.validate import faults
from warmfold.pipeline.validate_references import referenced_steps


def test_the_definition_is_valid() -> None:
    assert faults(scoring()) == []


def test_a_start_must_name_the_model_and_the_day() -> None:
    required = {p["Name"] for p in scoring()["Parameters"] if "DefaultValue" not in p}

    assert required == {"ModelName", "Day"}


def test_each_run_writes_a_folder_of_its_own() -> None:
    output = step_of(scoring(), "TransformBatch")["Arguments"]["TransformOutput"]

    assert output["S3OutputPath"] == {
        "Std:Join": {
            "On": "",
            "Values": [
                {"Get": "Parameters.OutputUri"},
                "run=",
                {"Get": "Execution.PipelineExecutionId"},
                "/",
            ],
        }
    }


def test_predictions_are_published_after_the_transform_with_where_they_are() -> None:
    publish = read_document(scoring()).steps[1]

    assert {name for _, name in referenced_steps(publish)} == {"TransformBatch"}
    assert publish.arguments.keys() == {"output_uri", "manifest_uri", "day", "execution_id"}


def test_every_record_is_joined_with_its_prediction() -> None:
    arguments = step_of(scoring(), "TransformBatch")["Arguments"]

    assert arguments["DataProcessing"]["JoinSource"] == "Input"
    assert arguments["TransformInput"]["SplitType"] == "Line"
    assert arguments["TransformOutput"]["AssembleWith"] == "Line"
    assert arguments["TransformInput"]["ContentType"] == "application/jsonlines"


def test_both_filters_are_the_daily_runs_and_never_the_hold_outs() -> None:
    processing = step_of(scoring(), "TransformBatch")["Arguments"]["DataProcessing"]

    assert processing["InputFilter"] == "$['income','region']"
    assert processing["OutputFilter"] == "$['applicant','SageMakerOutput']"
    holdout = step_of(training(), "TransformHoldout")["Arguments"]["DataProcessing"]
    assert holdout == {"JoinSource": "Input"}
