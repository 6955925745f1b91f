"""The endpoint's stack: nothing before an approval, and nothing else after it."""

from dataclasses import replace
from typing import Any

from aws_cdk import App

from config.load import load_settings
from config.settings_serving import OffHours
from stacks.platform import add_stacks, feature_flags
from tests.unit.infrastructure.assembly import Assembly, Template, flat

ENDPOINT = "warmfold-prod-german-credit"
NEEDS_A_MODEL = {
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
}


def serving(assembly: Assembly) -> Template:
    return assembly.stack("serving")


def properties(assembly: Assembly, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = serving(assembly).only(kind)["Properties"]
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


def test_scaling_follows_invocations_per_instance(prod: Assembly) -> None:
    target = properties(prod, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["ResourceId"] == f"endpoint/{ENDPOINT}/variant/primary"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 10)
    policy = properties(prod, "AWS::ApplicationAutoScaling::ScalingPolicy")
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert metric == "SageMakerVariantInvocationsPerInstance"


def test_scaling_starts_after_the_endpoint(prod: Assembly) -> None:
    template = serving(prod)
    (endpoint,) = template.of_type("AWS::SageMaker::Endpoint")
    assert template.only("AWS::ApplicationAutoScaling::ScalableTarget")["DependsOn"] == [endpoint]


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
    (target,) = [
        r["Properties"]
        for r in resources
        if r["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
    ]
    assert target["MinCapacity"] == 4
    assert target["ScheduledActions"] == [
        {
            "ScheduledActionName": name,
            "Schedule": schedule,
            "Timezone": "Europe/Zurich",
            "ScalableTargetAction": {"MinCapacity": minimum},
        }
        for name, schedule, minimum in (
            ("evening", "cron(0 20 * * ? *)", 2),
            ("morning", "cron(30 6 * * ? *)", 4),
        )
    ]
    delivery = str(made.get_stack_by_name(f"{prefix}-delivery").template)
    assert "application-autoscaling:PutScheduledAction" in delivery


def test_without_off_hours_nothing_may_be_scheduled(prod: Assembly) -> None:
    assert "ScheduledActions" not in properties(prod, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert "ScheduledAction" not in str(prod.stack("delivery").content)
