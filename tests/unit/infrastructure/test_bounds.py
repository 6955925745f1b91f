"""What roles may start, tag and stop, by the conditions of their statements."""

import dataclasses
from collections.abc import Callable, Mapping

import pytest

from config.settings import Settings
from tests.unit.infrastructure.access import Access, access
from tests.unit.infrastructure.assembly import Assembly, synthesize
from tests.unit.infrastructure.test_search_engines import searching
from warmfold.pipeline.tags import PIPELINE_TAG
from warmfold_constructs.fold_jobs import FOLD_ROLE_TAG
from warmfold_local.access.asks import Value

Keys = dict[str, Value]
RUN = "pipelines-6i9lm5cml6mu"
TUNING = "6i9lm5cml6mu-Tune-linear-xjhEsFz39I"
TRIAL = f"{TUNING}-001-abcdef12"
FOLD = f"training-job/{TRIAL}-fold-01-0"
PIPELINE = "/PipelineRole"
OWN = "warmfold-prod-german-credit-training"
# What the pipeline's role creates: operation, resource, and which keys the definition fixes.
CREATED = {
    "ProcessingJob": (f"processing-job/{RUN}-BuildFeatures-JP88xoPh20", "machine isolation keys"),
    "TrainingJob": (f"training-job/{RUN}-TrainFinalModel-JP88xoPh20", "machine isolation keys"),
    # Trials that race each other, as production's, reach S3 themselves: no isolation.
    "HyperParameterTuningJob": (f"hyper-parameter-tuning-job/{TUNING}", "machine keys"),
    "TransformJob": (f"transform-job/{RUN}-TransformHoldout-JP88xoPh20", "machine keys"),
    "Model": (f"model/{RUN}-CreateModel-JP88xoPh20", "isolation"),
}
WRONG: Mapping[str, list[Keys]] = {
    "machine": [
        {"sagemaker:InstanceTypes": ("ml.p4d.24xlarge",)},
        {"sagemaker:InstanceTypes": ("ml.c5.xlarge", "ml.m5.large", "ml.p4d.24xlarge")},
    ],
    "isolation": [{"sagemaker:NetworkIsolation": "false"}],
    "keys": [
        {f"sagemaker:{key}": "arn:aws:kms:eu-west-1:333333333333:key/another"}
        for key in ("VolumeKmsKey", "OutputKmsKey")
    ],
}


@pytest.fixture(scope="module")
def fan_out(prod_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Access:
    models = tuple(searching(model, "fan_out") for model in prod_settings.models)
    changed = dataclasses.replace(prod_settings, models=models)
    return access(synthesize(changed, tmp_path_factory.mktemp("fan_out")), changed)


@pytest.fixture(scope="module")
def right(prod: Assembly, prod_access: Access) -> Callable[[str], Keys]:
    """The keys of a request as the definition has it, by what it creates."""
    network = prod.stack("network")
    (group,) = [
        f"<network/{id}>"
        for id, found in network.of_type("AWS::EC2::SecurityGroup").items()
        if found["Properties"]["GroupDescription"] == "Jobs and models"
    ]
    subnets = tuple(f"<network/{id}>" for id in network.of_type("AWS::EC2::Subnet"))
    (key,) = [
        f"<storage/{id}>"
        for id in prod.stack("storage").of_type("AWS::KMS::Key")
        if id.startswith("ArtifactsKey")
    ]

    def keys(noun: str) -> Keys:
        trained = noun in ("TrainingJob", "HyperParameterTuningJob")
        return {
            f"aws:RequestTag/{PIPELINE_TAG}": OWN,
            "sagemaker:InstanceTypes": ("ml.c5.xlarge" if trained else "ml.m5.large",),
            "sagemaker:NetworkIsolation": "true",
            "sagemaker:InterContainerTrafficEncryption": "true",
            "sagemaker:VpcSubnets": subnets,
            "sagemaker:VpcSecurityGroupIds": (group,),
            "sagemaker:VolumeKmsKey": prod_access.arn(f"key/{key}", "kms"),
            "sagemaker:OutputKmsKey": prod_access.arn(f"key/{key}", "kms"),
        }

    return keys


Right = Callable[[str], Keys]


@pytest.mark.parametrize("noun", CREATED)
def test_the_pipeline_creates_what_its_definition_has_and_nothing_else(
    noun: str, prod_access: Access, right: Right
) -> None:
    resource, bound = CREATED[noun]
    action = f"sagemaker:Create{noun}"

    def may(**changed: Value) -> bool:
        return prod_access.allows(PIPELINE, action, resource, right(noun) | changed)

    assert may()
    for kind in bound.split():
        for wrong in WRONG[kind]:
            assert not may(**wrong), wrong
            (key,) = wrong
            absent = {k: v for k, v in right(noun).items() if k != key}
            assert not prod_access.allows(PIPELINE, action, resource, absent), key
    assert not may(**{f"aws:RequestTag/{PIPELINE_TAG}": "warmfold-prod-other-training"})


@pytest.mark.parametrize("noun", [noun for noun in CREATED if noun != "Model"])
def test_the_pipeline_stops_jobs_with_its_own_tag_only(noun: str, prod_access: Access) -> None:
    resource, _ = CREATED[noun]
    action = f"sagemaker:Stop{noun}"
    tag = f"aws:ResourceTag/{PIPELINE_TAG}"
    assert prod_access.allows(PIPELINE, action, resource, {tag: OWN})
    assert not prod_access.allows(PIPELINE, action, resource)
    assert not prod_access.allows(PIPELINE, action, resource, {tag: "warmfold-prod-x-training"})


@pytest.mark.parametrize("noun", CREATED)
def test_the_pipeline_tags_what_it_is_creating_and_nobody_elses(
    noun: str, prod_access: Access
) -> None:
    resource, _ = CREATED[noun]
    own: Keys = {f"aws:RequestTag/{PIPELINE_TAG}": OWN}
    creating: Keys = {"sagemaker:TaggingAction": f"Create{noun}"}

    def may(keys: Keys) -> bool:
        return prod_access.allows(PIPELINE, "sagemaker:AddTags", resource, keys)

    assert may(own | creating)
    assert not may(creating)
    assert not may(own)
    assert not may(own | {f"aws:ResourceTag/{PIPELINE_TAG}": "warmfold-prod-other-training"})


@pytest.mark.parametrize(
    "action,resource",
    [
        ("StopTrainingJob", "training-job/pipelines-otherteam-Train-abc"),
        ("StopHyperParameterTuningJob", "hyper-parameter-tuning-job/anyone-Tune-x"),
        ("AddTags", "training-job/pipelines-otherteam-Train-abc"),
    ],
)
def test_other_names_are_out_of_reach_even_with_the_tag(
    action: str, resource: str, prod_access: Access
) -> None:
    tags: Keys = {f"aws:{of}Tag/{PIPELINE_TAG}": OWN for of in ("Request", "Resource")}
    assert not prod_access.allows(PIPELINE, f"sagemaker:{action}", resource, tags)


@pytest.mark.parametrize(
    "role,model",
    [
        ("prod-german-credit-serving-deployment", "WarmfoldProdGermanCreditModel-0a1b2c"),
        ("/DailyStartRole", "warmfold-prod-german-credit-v3"),
    ],
)
def test_models_that_serve_and_score_have_no_network_of_their_own(
    role: str, model: str, prod_access: Access, right: Right
) -> None:
    def may(keys: Keys) -> bool:
        return prod_access.allows(role, "sagemaker:CreateModel", f"model/{model}", keys)

    keys = right("Model")
    assert may(keys)
    assert not may(keys | {"sagemaker:NetworkIsolation": "false"})
    assert not may({k: v for k, v in keys.items() if k != "sagemaker:NetworkIsolation"})


def test_batch_scoring_transforms_on_its_machines_and_with_its_keys(
    prod_access: Access, right: Right
) -> None:
    def may(keys: Keys) -> bool:
        job = f"transform-job/{RUN}-TransformBatch-JP88xoPh20"
        return prod_access.allows("/ScoringRole", "sagemaker:CreateTransformJob", job, keys)

    own: Keys = {f"aws:RequestTag/{PIPELINE_TAG}": "warmfold-prod-german-credit-scoring"}
    assert may(right("TransformJob") | own)
    assert not may(right("TransformJob"))
    for wrong in (*WRONG["machine"], *WRONG["keys"]):
        assert not may(right("TransformJob") | own | wrong), wrong


def test_a_trial_cannot_make_another_models_fold_its_own(fan_out: Access) -> None:
    own, other = "<german-credit-training/RolesFoldRole", "another-models-fold-role"
    role = fan_out.role("RolesTrialRole")
    fold_role = fan_out.role("RolesFoldRole")
    assert fold_role.startswith(own)
    creating: Keys = {
        f"aws:RequestTag/{FOLD_ROLE_TAG}": fold_role,
        "sagemaker:TaggingAction": "CreateTrainingJob",
    }
    tag = f"aws:ResourceTag/{FOLD_ROLE_TAG}"

    def may(action: str, keys: Keys) -> bool:
        return fan_out.allows(role, f"sagemaker:{action}", FOLD, keys)

    assert may("AddTags", creating)
    assert not may("AddTags", creating | {tag: other})
    assert not may("AddTags", {f"aws:RequestTag/{FOLD_ROLE_TAG}": fold_role})
    assert may("StopTrainingJob", {tag: fold_role})
    assert not may("StopTrainingJob", {tag: other})
    assert not may("StopTrainingJob", {})


def test_a_trial_starts_folds_on_its_machine_with_its_keys_and_without_network(
    fan_out: Access, right: Right
) -> None:
    role = fan_out.role("RolesTrialRole")
    keys = right("TrainingJob") | {
        f"aws:RequestTag/{FOLD_ROLE_TAG}": fan_out.role("RolesFoldRole"),
        "sagemaker:MaxRuntimeInSeconds": "60",
    }

    def may(keys: Keys) -> bool:
        return fan_out.allows(role, "sagemaker:CreateTrainingJob", FOLD, keys)

    assert may(keys)
    for wrong in (*WRONG["machine"], *WRONG["isolation"], *WRONG["keys"]):
        assert not may(keys | wrong), wrong
        (key,) = wrong
        assert not may({k: v for k, v in keys.items() if k != key}), key
