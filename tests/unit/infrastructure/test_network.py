"""The network: what is created, what may talk to what, and that every job and model lies in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.infrastructure.assembly import Assembly, Template, definition, flat, listed
from tests.unit.infrastructure.networks import (
    CREATED,
    IMPORTED,
    NETWORK,
    fanning_out,
    rules,
    synthesized,
)
from warmfold.pipeline.validate import faults

SUBNETS, GROUPS = "sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds"
JOBS, ENDPOINTS = "Jobs and models", "Interface endpoints"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesized(tmp_path_factory.mktemp("imported"), (NETWORK, IMPORTED))


@pytest.fixture(scope="module")
def fan_out(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return fanning_out(tmp_path_factory.mktemp("fan_out"))


@pytest.fixture
def network(prod: Assembly) -> Template:
    return prod.stack("network")


def steps(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those of branches included."""
    waiting = list(found["Steps"])
    while waiting:
        step = waiting.pop()
        if step["Type"] == "Condition":
            waiting += step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"]
        yield step


def place_of(step: dict[str, Any]) -> dict[str, Any] | None:
    """Where the step's API has the network; ``None`` for a step without one."""
    arguments: dict[str, Any] = step["Arguments"]
    return {
        "Training": arguments,
        "Model": arguments,
        "Processing": arguments.get("NetworkConfig"),
        "Tuning": arguments.get("TrainingJobDefinition"),
    }.get(step["Type"])


def test_nothing_leads_to_the_internet(network: Template) -> None:
    assert not network.types() & {
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::Route",
        "AWS::EC2::VPCPeeringConnection",
    }
    for subnet in network.of_type("AWS::EC2::Subnet").values():
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False


def test_there_is_a_subnet_in_every_zone_of_the_file(network: Template) -> None:
    found = {
        subnet["Properties"]["AvailabilityZone"]: subnet["Properties"]["CidrBlock"]
        for subnet in network.of_type("AWS::EC2::Subnet").values()
    }
    assert found == {
        "eu-west-1a": "10.42.0.0/20",
        "eu-west-1b": "10.42.16.0/20",
        "eu-west-1c": "10.42.32.0/20",
    }


def test_a_fourth_zone_moves_no_subnet(prod: Assembly, tmp_path: Path) -> None:
    zones = [
        {"zone": f"eu-west-1{z}", "cidr": f"10.42.{n * 16}.0/20"} for n, z in enumerate("abcd")
    ]
    more = synthesized(tmp_path, ((*CREATED, "subnets"), zones)).stack("network")
    before = prod.stack("network").of_type("AWS::EC2::Subnet")
    assert before.items() <= more.of_type("AWS::EC2::Subnet").items()


def test_a_created_vpc_needs_no_lookup(prod: Assembly) -> None:
    assert "missing" not in prod.manifest


def test_jobs_connect_to_s3_and_to_the_machines_of_their_own_kind_only(network: Template) -> None:
    (group,) = network.of_type("AWS::EC2::SecurityGroup").values()
    (to_s3,) = group["Properties"]["SecurityGroupEgress"]
    assert to_s3["DestinationPrefixListId"] == "pl-6da54004"
    assert (to_s3["IpProtocol"], to_s3["FromPort"], to_s3["ToPort"]) == ("tcp", 443, 443)
    assert "SecurityGroupIngress" not in group["Properties"]
    among = {("tcp", 12400, JOBS, JOBS), ("udp", 500, JOBS, JOBS), ("50", None, JOBS, JOBS)}
    assert rules(network, "Egress") == among
    assert rules(network, "Ingress") == among


def test_without_encryption_no_key_is_exchanged(tmp_path: Path) -> None:
    found = synthesized(tmp_path, ((*CREATED, "encrypt_between_instances"), False))
    assert rules(found.stack("network"), "Ingress") == {("tcp", 12400, JOBS, JOBS)}
    placed = [place_of(s) for s in steps(definition(found.stack("training"))) if place_of(s)]
    assert {p.get("EnableInterContainerTrafficEncryption") for p in placed if p} == {False, None}


def test_no_security_group_has_the_rule_that_ec2_adds_where_there_is_none(
    fan_out: Assembly,
) -> None:
    groups = fan_out.stack("network").of_type("AWS::EC2::SecurityGroup").values()
    assert len(groups) == 2
    for group in groups:
        (egress,) = group["Properties"]["SecurityGroupEgress"]
        assert egress.get("CidrIp", "127.0.0.1/32") == "127.0.0.1/32"


def test_s3_is_reached_for_the_platforms_bucket_and_ecrs_layers_only(network: Template) -> None:
    gateway = network.only("AWS::EC2::VPCEndpoint")["Properties"]
    assert gateway["VpcEndpointType"] == "Gateway"
    assert gateway["ServiceName"] == "com.amazonaws.eu-west-1.s3"
    statements = gateway["PolicyDocument"]["Statement"]
    assert {flat(statement["Resource"]) for statement in statements} == {
        "arn:aws:s3:::warmfold-prod-333333333333-eu-west-1",
        "arn:aws:s3:::warmfold-prod-333333333333-eu-west-1/*",
        "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*",
    }
    for statement in statements:
        if "starport" in flat(statement["Resource"]):
            assert statement["Action"] == "s3:GetObject"
        else:
            condition = statement["Condition"]["StringEquals"]
            assert condition == {"aws:PrincipalAccount": "333333333333"}


def test_an_interface_endpoint_answers_jobs_and_nobody_else(fan_out: Assembly) -> None:
    network = fan_out.stack("network")
    (endpoint,) = [
        found["Properties"]
        for found in network.of_type("AWS::EC2::VPCEndpoint").values()
        if found["Properties"]["VpcEndpointType"] == "Interface"
    ]
    assert endpoint["ServiceName"] == "com.amazonaws.eu-west-1.sagemaker.api"
    assert endpoint["PrivateDnsEnabled"] is True
    assert len(endpoint["SubnetIds"]) == 3
    (statement,) = endpoint["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {
        "sagemaker:AddTags",
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:ListTrainingJobs",
        "sagemaker:StopTrainingJob",
    }
    assert ("tcp", 443, ENDPOINTS, JOBS) in rules(network, "Ingress")
    assert ("tcp", 443, JOBS, ENDPOINTS) in rules(network, "Egress")


def test_more_interface_endpoints_are_there_if_the_file_says_so(tmp_path: Path) -> None:
    more = ((*CREATED, "more_interface_endpoints"), ["logs", "sagemaker.api"])
    endpoints = synthesized(tmp_path, more).stack("network").of_type("AWS::EC2::VPCEndpoint")
    assert sorted(e["Properties"]["ServiceName"] for e in endpoints.values()) == [
        "com.amazonaws.eu-west-1.logs",
        "com.amazonaws.eu-west-1.s3",
        "com.amazonaws.eu-west-1.sagemaker.api",
    ]


def test_flow_logs_are_encrypted_and_outlive_their_stack(network: Template) -> None:
    log = network.only("AWS::EC2::FlowLog")["Properties"]
    assert (log["ResourceType"], log["TrafficType"]) == ("VPC", "ALL")
    group = network.only("AWS::Logs::LogGroup")
    assert "KmsKeyId" in group["Properties"]
    assert group["Properties"]["RetentionInDays"] == 365
    assert group["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("name", ["prod", "imported", "fan_out"])
def test_every_job_and_model_of_the_pipeline_lies_in_the_network(
    name: str, request: pytest.FixtureRequest
) -> None:
    found = definition(request.getfixturevalue(name).stack("training"))
    assert faults(found) == []
    placed = {step["Name"]: place_of(step) for step in steps(found)}
    jobs = {name: place for name, place in placed.items() if place is not None}
    assert {"BuildFeatures", "TrainFinalModel", "EvaluateModel", "CreateModel"} < set(jobs)
    expected = {
        kind: [{"Get": f"Parameters.{p['Name']}"} for p in found["Parameters"] if stem in p["Name"]]
        for kind, stem in (("Subnets", "SubnetId"), ("SecurityGroupIds", "SecurityGroupId"))
    }
    assert len(expected["Subnets"]) >= 2
    for job, place in jobs.items():
        assert place["VpcConfig"] == expected, job


def test_an_imported_network_is_named_by_its_ids_and_nothing_is_created(imported: Assembly) -> None:
    assert not [name for name in imported.templates if name.endswith("-network")]
    defaults = {
        parameter["Name"]: parameter.get("DefaultValue")
        for parameter in definition(imported.stack("training"))["Parameters"]
    }
    assert defaults["SubnetId2"] == "subnet-0123456789abcdef1"
    assert defaults["SecurityGroupId1"] == "sg-0123456789abcdef0"


def test_without_a_network_of_ours_nothing_names_one(local: Assembly) -> None:
    for template in local.templates.values():
        text = json.dumps(template.content)
        assert not [word for word in ("VpcConfig", "VpcSubnets", "ec2:") if word in text]


def test_the_endpoint_and_the_batch_models_lie_in_the_network(imported: Assembly) -> None:
    model = imported.stack("serving").only("AWS::SageMaker::Model")["Properties"]
    given = IMPORTED["imported"]
    assert isinstance(given, dict)
    assert model["VpcConfig"] == {
        "Subnets": given["subnet_ids"],
        "SecurityGroupIds": given["security_group_ids"],
    }
    (environment,) = [
        function["Properties"]["Environment"]["Variables"]
        for function in imported.stack("batch").of_type("AWS::Lambda::Function").values()
        if "SCORING_PIPELINE_NAME" in function["Properties"]["Environment"]["Variables"]
    ]
    assert environment["SUBNET_IDS"] == ",".join(given["subnet_ids"])
    assert environment["SECURITY_GROUP_IDS"] == ",".join(given["security_group_ids"])


CREATING = {
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateModel",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
}


def test_whoever_creates_a_job_or_model_can_do_so_in_the_network_only(fan_out: Assembly) -> None:
    seen = set()
    for where, statement in fan_out.statements():
        creates = CREATING & set(listed(statement["Action"]))
        if not creates:
            continue
        seen.add((where.partition("/")[0].rpartition("-")[2], *creates))
        condition = statement["Condition"]
        assert len(condition["ForAllValues:StringEquals"][SUBNETS]) == 3, where
        assert len(condition["ForAllValues:StringEquals"][GROUPS]) == 1, where
        assert {SUBNETS: "false", GROUPS: "false"}.items() <= condition["Null"].items(), where
        if creates != {"sagemaker:CreateModel"}:
            assert condition["Bool"]["sagemaker:InterContainerTrafficEncryption"] == "true"
    # batch and delivery create models; the pipeline's role everything, a trial's role folds
    assert seen == {
        ("batch", "sagemaker:CreateModel"),
        ("delivery", "sagemaker:CreateModel"),
        *(("training", action) for action in CREATING),
    }


def test_folds_keep_their_other_limits_in_a_network(fan_out: Assembly) -> None:
    (condition,) = [
        statement["Condition"]
        for where, statement in fan_out.statements()
        if "RolesTrialRole" in where and "sagemaker:CreateTrainingJob" in statement["Action"]
    ]
    assert condition["Bool"]["sagemaker:NetworkIsolation"] == "true"
    assert condition["ForAllValues:StringEquals"]["sagemaker:InstanceTypes"] == ["ml.c5.xlarge"]


def test_every_role_of_a_job_may_have_interfaces_in_the_networks_subnets_only(
    fan_out: Assembly,
) -> None:
    creating = {
        where: statement
        for where, statement in fan_out.statements()
        if "ec2:CreateNetworkInterface" in listed(statement["Action"])
    }
    assert len(creating) == 5
    for statement in creating.values():
        kinds = [flat(arn).split(":")[5].partition("/")[0] for arn in statement["Resource"]]
        assert sorted(kinds) == ["network-interface", "security-group", *["subnet"] * 3]
