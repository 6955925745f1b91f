"""Small definitions for tests of what our own pipelines do not use."""

from typing import Any

from warmfold.pipeline.validate import faults


def definition_of(*steps: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    given = [
        {"Name": name, "Type": kind, **({} if default is None else {"DefaultValue": default})}
        for name, (kind, default) in parameters.items()
    ]
    return {"Version": "2020-12-01", "Parameters": given, "Steps": list(steps)}


def condition_step(*conditions: Any) -> dict[str, Any]:
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    arguments = {"Conditions": list(conditions), "IfSteps": [], "ElseSteps": [stop]}
    return {"Name": "Check", "Type": "Condition", "Arguments": arguments}


def texts(definition: dict[str, Any]) -> str:
    return "\n".join(str(fault) for fault in faults(definition))
