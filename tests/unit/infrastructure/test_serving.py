"""The endpoint's stack: nothing before an approval, and nothing else after it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from aws_cdk import App

from config.load import load_settings
from config.settings_serving import OffHours
from stacks.platform import add_stacks, feature_flags
from tests.unit.infrastructure.assembly import Assembly, Template, flat

ENDPOINT = "warmfold-prod-german-credit"
SCALING = "Custom::EndpointScaling"
NEEDS_A_MODEL = {
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
    SCALING,
}


def serving(assembly: Assembly) -> Template:
    return assembly.stack("serving")


def properties(assembly: Assembly, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = serving(assembly).only(kind)["Properties"]
    return found


def scaling(assembly: Assembly, stage: str) -> tuple[str, dict[str, Any]]:
    """Logical id and definition of the resource before or after the endpoint."""
    (found,) = [
        (id, each)
        for id, each in serving(assembly).of_type(SCALING).items()
        if each["Properties"]["Stage"] == stage
    ]
    return found


def test_the_stack_holds_the_endpoint_its_scaling_and_its_alarms_only(prod: Assembly) -> None:
    assert serving(prod).types() == NEEDS_A_MODEL | {"AWS::CloudWatch::Alarm"}


def test_the_only_parameter_is_the_model_package_and_it_is_empty_at_first(prod: Assembly) -> None:
    ((name, parameter),) = serving(prod).content["Parameters"].items()
    assert (name, parameter["Type"], parameter["Default"]) == ("ModelPackageArn", "String", "")


def test_without_a_model_package_there_is_no_endpoint(prod: Assembly) -> None:
    template = serving(prod)
    assert template.content["Conditions"] == {
        "Approved": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ModelPackageArn"}, ""]}]}
    }
    for resource in template.content["Resources"].values():
        expected = "Approved" if resource["Type"] in NEEDS_A_MODEL else None
        assert resource.get("Condition") == expected


def test_nothing_outside_the_condition_refers_to_what_is_inside(prod: Assembly) -> None:
    template = serving(prod)
    inside = {id for id, r in template.content["Resources"].items() if r["Type"] in NEEDS_A_MODEL}
    outside = [r for id, r in template.content["Resources"].items() if id not in inside]
    text = str([*outside, template.content["Outputs"]])
    assert not [id for id in inside if f"'{id}'" in text]


def test_the_model_comes_from_the_package_and_is_isolated(prod: Assembly) -> None:
    model = properties(prod, "AWS::SageMaker::Model")
    assert model["Containers"] == [{"ModelPackageName": {"Ref": "ModelPackageArn"}}]
    assert model["EnableNetworkIsolation"] is True
    assert flat(model["ExecutionRoleArn"]).endswith(":role/warmfold-prod-german-credit-model")


def test_model_and_configuration_are_named_by_cloudformation(prod: Assembly) -> None:
    assert "ModelName" not in properties(prod, "AWS::SageMaker::Model")
    assert "EndpointConfigName" not in properties(prod, "AWS::SageMaker::EndpointConfig")
    assert list(serving(prod).of_type("AWS::SageMaker::Model")) == ["WarmfoldProdGermanCreditModel"]


def test_an_update_keeps_the_scaled_capacity(prod: Assembly) -> None:
    endpoint = properties(prod, "AWS::SageMaker::Endpoint")
    assert endpoint["EndpointName"] == ENDPOINT
    assert endpoint["RetainAllVariantProperties"] is True
    assert endpoint["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DataCaptureConfig"}
    ]


def test_production_shifts_traffic_by_canary_and_rolls_back_on_either_alarm(prod: Assembly) -> None:
    config = properties(prod, "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    alarms = config["AutoRollbackConfiguration"]["Alarms"]
    assert {alarm["AlarmName"]["Ref"] for alarm in alarms} == set(
        serving(prod).of_type("AWS::CloudWatch::Alarm")
    )
    traffic = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert traffic["Type"] == "CANARY"
    assert traffic["CanarySize"] == {"Type": "CAPACITY_PERCENT", "Value": 25}


def test_a_single_instance_takes_all_traffic_at_once(local: Assembly) -> None:
    config = properties(local, "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    traffic = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert traffic == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


def test_both_resources_of_the_scaling_know_all_of_it(prod: Assembly) -> None:
    """The one before the endpoint puts it up again where an update goes back."""
    (_, before), (_, after) = scaling(prod, "before"), scaling(prod, "after")
    configuration = properties(prod, "AWS::SageMaker::Endpoint")["EndpointConfigName"]
    wanted = {
        "MinCapacity": 2,
        "MaxCapacity": 10,
        "TargetValue": 3000,
        "ScaleInCooldown": 600,
        "ScaleOutCooldown": 30,
        "ScheduledActions": [],
    }
    for each in (before, after):
        assert {name: each["Properties"][name] for name in wanted} == wanted
        assert each["Properties"]["ServiceToken"].endswith(f":function:{ENDPOINT}-scaling")
        assert each["Properties"]["Configuration"] == configuration


def test_scaling_is_taken_down_last_of_all_and_put_up_after_the_endpoint(prod: Assembly) -> None:
    template = serving(prod)
    (endpoint,) = template.of_type("AWS::SageMaker::Endpoint")
    (before_id, before), (_, after) = scaling(prod, "before"), scaling(prod, "after")
    assert sorted(before["DependsOn"]) == sorted(template.of_type("AWS::CloudWatch::Alarm"))
    assert template.only("AWS::SageMaker::Endpoint")["DependsOn"] == [before_id]
    assert after["DependsOn"] == [endpoint]


def test_cloudformation_waits_for_longer_than_the_function_may_run(prod: Assembly) -> None:
    (function,) = [
        each["Properties"]
        for each in prod.stack("delivery").of_type("AWS::Lambda::Function").values()
        if each["Properties"].get("FunctionName") == f"{ENDPOINT}-scaling"
    ]
    for stage in ("before", "after"):
        _, each = scaling(prod, stage)
        assert int(each["Properties"]["ServiceTimeout"]) > function["Timeout"]


def test_alarms_name_the_endpoint_literally_and_are_quiet_without_data(prod: Assembly) -> None:
    alarms = serving(prod).of_type("AWS::CloudWatch::Alarm").values()
    assert {alarm["Properties"]["AlarmName"] for alarm in alarms} == {
        f"{ENDPOINT}-error-rate",
        f"{ENDPOINT}-latency",
    }
    for alarm in alarms:
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"
        assert ENDPOINT in str(
            alarm["Properties"].get("Dimensions", alarm["Properties"].get("Metrics"))
        )


def test_the_error_rate_is_a_share_of_the_invocations_there_were(prod: Assembly) -> None:
    (alarm,) = [
        a["Properties"]
        for a in serving(prod).of_type("AWS::CloudWatch::Alarm").values()
        if "Metrics" in a["Properties"]
    ]
    expressions = [m["Expression"] for m in alarm["Metrics"] if "Expression" in m]
    assert expressions == ["IF(invocations > 0, 100 * errors / invocations, 0)"]
    names = {m["MetricStat"]["Metric"]["MetricName"] for m in alarm["Metrics"] if "MetricStat" in m}
    assert names == {"InvocationModelErrors", "Invocations"}
    assert alarm["Threshold"] == 1


def test_cloudformation_works_as_the_narrow_role_and_needs_no_bootstrap_parameter(
    prod: Assembly,
) -> None:
    artifact = prod.artifact("serving")["properties"]
    assert artifact["cloudFormationExecutionRoleArn"].endswith(
        ":role/warmfold-prod-german-credit-serving-deployment"
    )
    assert "Rules" not in serving(prod).content


def test_off_hours_lower_the_minimum_and_the_morning_restores_it() -> None:
    settings = load_settings("prod")
    (model, *_) = settings.models
    night = OffHours(start="20:00", end="06:30", time_zone="Europe/Zurich", minimum_instances=2)
    busy = replace(model.serving, minimum_instances=4, off_hours=night)
    app = App(context=feature_flags())
    add_stacks(app, replace(settings, models=(replace(model, serving=busy),)))
    made = app.synth()
    prefix = f"warmfold-prod-{model.name}"
    resources = made.get_stack_by_name(f"{prefix}-serving").template["Resources"].values()
    found = [r["Properties"] for r in resources if r["Type"] == SCALING]
    assert len(found) == 2
    for each in found:
        assert each["MinCapacity"] == 4
        assert each["ScheduledActions"] == [
            {
                "Name": name,
                "Schedule": schedule,
                "Timezone": "Europe/Zurich",
                "MinCapacity": minimum,
            }
            for name, schedule, minimum in (
                ("evening", "cron(0 20 * * ? *)", 2),
                ("morning", "cron(30 6 * * ? *)", 4),
            )
        ]
    delivery = str(made.get_stack_by_name(f"{prefix}-delivery").template)
    assert "application-autoscaling:PutScheduledAction" in delivery


def test_without_off_hours_nothing_may_be_scheduled(prod: Assembly) -> None:
    _, after = scaling(prod, "after")
    assert after["Properties"]["ScheduledActions"] == []
    assert "PutScheduledAction" not in str(prod.stack("delivery").content)


def test_a_share_of_the_requests_is_captured_as_text_under_the_platforms_key(
    prod: Assembly,
) -> None:
    capture = properties(prod, "AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]
    assert flat(capture["KmsKeyId"]).endswith(":333333333333:alias/warmfold-prod")
    assert {name: value for name, value in capture.items() if name != "KmsKeyId"} == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 10,
        "DestinationS3Uri": "s3://warmfold-prod-333333333333-eu-west-1/german-credit/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {
            "JsonContentTypes": ["application/json", "application/jsonlines"],
            "CsvContentTypes": ["text/csv"],
        },
    }


def test_the_model_writes_what_is_captured_and_nothing_beside_it(prod: Assembly) -> None:
    assert captured_by_the_model(str(prod.stack("training").content)) == [
        "/german-credit/captured/*"
    ]


def test_without_capture_nothing_is_captured_and_nobody_may(tmp_path: Path) -> None:
    settings = load_settings("prod")
    (model, *_) = settings.models
    off = replace(model.serving.data_capture, sampled_percent=0)
    quiet = replace(model, serving=replace(model.serving, data_capture=off))
    app = App(context=feature_flags(), outdir=str(tmp_path))
    add_stacks(app, replace(settings, models=(quiet,)))
    made = app.synth()
    prefix = f"warmfold-prod-{model.name}"
    resources = made.get_stack_by_name(f"{prefix}-serving").template["Resources"].values()
    (config,) = [
        r["Properties"] for r in resources if r["Type"] == "AWS::SageMaker::EndpointConfig"
    ]
    assert "DataCaptureConfig" not in config
    assert captured_by_the_model(str(made.get_stack_by_name(f"{prefix}-training").template)) == []
    rules = str(made.get_stack_by_name("warmfold-prod-storage").template)
    assert f"{model.name}/captured/" in rules  # what was captured before still has its age


def captured_by_the_model(template: str) -> list[str]:
    return re.findall(r"/german-credit/captured/[^']*", template)


def test_a_shadow_is_a_second_parameter_and_there_only_if_it_is_given(local: Assembly) -> None:
    template = serving(local)
    assert template.content["Parameters"]["ShadowModelPackageArn"]["Default"] == ""
    assert template.content["Conditions"]["Shadowed"] == {
        "Fn::And": [
            {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
            for parameter in ("ModelPackageArn", "ShadowModelPackageArn")
        ]
    }
    model = template.of_type("AWS::SageMaker::Model")["WarmfoldLocalGermanCreditShadowModel"]
    assert model["Condition"] == "Shadowed"
    assert model["Properties"]["Containers"] == [
        {"ModelPackageName": {"Ref": "ShadowModelPackageArn"}}
    ]
    assert model["Properties"]["EnableNetworkIsolation"] is True
    condition, (variant,), none = properties(local, "AWS::SageMaker::EndpointConfig")[
        "ShadowProductionVariants"
    ]["Fn::If"]
    assert (condition, none) == ("Shadowed", {"Ref": "AWS::NoValue"})
    assert variant == {
        "VariantName": "primary-shadow",
        "ModelName": {"Fn::GetAtt": ["WarmfoldLocalGermanCreditShadowModel", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }


def test_without_a_shadow_there_is_no_room_for_one(prod: Assembly) -> None:
    assert "Shadow" not in str(serving(prod).content)
