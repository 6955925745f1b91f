"""The expressions of a pipeline definition, which SageMaker resolves when a step starts."""

from typing import Any

Expression = dict[str, Any]


def parameter(name: str) -> Expression:
    """A pipeline parameter's value."""
    return {"Get": f"Parameters.{name}"}


def execution(name: str) -> Expression:
    """A property of the execution, as ``PipelineExecutionId``."""
    return {"Get": f"Execution.{name}"}


def step_property(step: str, path: str) -> Expression:
    """A value of another step; ``path`` is into what its Describe operation answers."""
    return {"Get": f"Steps.{step}.{path}"}


def lambda_output(step: str, name: str) -> Expression:
    """A declared output of a Lambda step."""
    return step_property(step, f"OutputParameters['{name}']")


def processing_output(step: str, name: str) -> Expression:
    """The S3 prefix of a processing step's output, by the output's name."""
    return step_property(step, f"ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri")


def join(*values: str | Expression, on: str = "") -> Expression:
    """A string made of strings and expressions."""
    return {"Std:Join": {"On": on, "Values": list(values)}}


def json_get(step: str, property_file: str, path: str) -> Expression:
    """A value in a processing step's property file, at a JSONPath without the leading ``$.``."""
    file = {"Get": f"Steps.{step}.PropertyFiles.{property_file}"}
    return {"Std:JsonGet": {"PropertyFile": file, "Path": path}}
