"""A pipeline that has trained the example on a local cloud, by the platform's own trainer, and what
serves or scores with the model that it left."""

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tests.localcloud.conftest import ROLE, RunningCloud
from tests.localcloud.fault_aids import deploy_function, new_name
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.test_searches import SPEC, TREES, aws
from tests.unit.containers.trainer.jobs import ROOT
from warmfold.pipeline.scoring import scoring_pipeline
from warmfold.pipeline.spec import Refs, ScoringRefs, ScoringSpec
from warmfold.pipeline.training import training_pipeline
from warmfold.runs.follow import follow
from warmfold.runs.records import Run

SMALL = replace(SPEC, candidates=(TREES,), engine="in_job", max_trials=1)


@dataclass(frozen=True)
class Trained:
    """A pipeline that has been through, and what its final training left."""

    cloud: RunningCloud
    refs: Refs
    pipeline: str
    execution_arn: str
    folder: str
    key: str
    archive: bytes

    @property
    def uri(self) -> str:
        return f"s3://{self.refs.bucket_name}/{self.key}"

    def leave(self, archive: bytes) -> None:
        """Put this in the archive's place, as if the training had left it."""
        self.cloud.client("s3").put_object(Bucket=self.refs.bucket_name, Key=self.key, Body=archive)

    def evaluated(self) -> Run:
        """The steps after the training, once more."""
        started = self.cloud.client("sagemaker").start_pipeline_execution(
            PipelineName=self.pipeline,
            SelectiveExecutionConfig={
                "SourcePipelineExecutionArn": self.execution_arn,
                "SelectedSteps": [{"StepName": "EvaluateModel"}, {"StepName": "CheckScore"}],
            },
        )
        return follow(aws(self.cloud), started["PipelineExecutionArn"], lambda _: None)

    def rows(self) -> list[bytes]:
        """The hold-out's rows, as lines of JSON."""
        s3, bucket = self.cloud.client("s3"), self.refs.bucket_name
        prefix = f"{self.folder}/features/transform/"
        (item,) = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        content: bytes = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        return content.splitlines(keepends=True)

    def packages(self) -> list[str]:
        listed = self.cloud.client("sagemaker").list_model_packages(
            ModelPackageGroupName=self.refs.model_package_group_name
        )
        return [each["ModelPackageArn"] for each in listed["ModelPackageSummaryList"]]


def train(cloud: RunningCloud, refs: Refs) -> Trained:
    """Run the pipeline up to the registration."""
    definition = training_pipeline(SMALL, refs)
    (gate,) = [step for step in definition["Steps"] if step["Name"] == "CheckScore"]
    gate["Arguments"]["IfSteps"] = gate["Arguments"]["IfSteps"][:1]  # to the registration
    sagemaker, name = cloud.client("sagemaker"), new_name("broken")
    sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE
    )
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    run = follow(aws(cloud), arn, lambda _: None)
    assert run.status == "Succeeded", [(s.name, s.failure_reason) for s in run.steps]
    s3, folder = cloud.client("s3"), f"{SMALL.model}/executions/{run.execution_id}"
    listed = s3.list_objects_v2(Bucket=refs.bucket_name, Prefix=f"{folder}/final/")["Contents"]
    (key,) = [item["Key"] for item in listed if item["Key"].endswith("/model.tar.gz")]
    archive = s3.get_object(Bucket=refs.bucket_name, Key=key)["Body"].read()
    found = Trained(cloud, refs, name, arn, folder, key, archive)
    assert len(found.packages()) == 1  # a sound model is registered
    return found


def site_of(cloud: RunningCloud) -> Path:
    """Where the trainer has the example installed."""
    trainer = cloud.settings.images_dir / "search-trainer" / "v1" / "image.json"
    environment = json.loads(trainer.read_text(encoding="utf-8"))["Env"]
    return Path(environment["WARMFOLD_PROJECT_FILE"]).parent


def server(cloud: RunningCloud, site: Path | None = None, tag: str = "v1") -> str:
    """The platform's server, with the example that the trainer has unless another is given."""
    installed = site_of(cloud) if site is None else site
    return cloud.add_image(
        "faults-server",
        tag,
        [sys.executable, "-m", "warmfold_server"],
        PATH=os.defpath,
        PYTHONPATH=os.pathsep.join([str(ROOT / "containers"), str(installed)]),
        PYTHONDONTWRITEBYTECODE="1",
        WARMFOLD_PROJECT_FILE=str(installed / "warmfold_project.json"),
    )


@dataclass(frozen=True)
class Scoring:
    """The deployed scoring pipeline for a day of two files, on the platform's server."""

    trained: Trained
    pipeline: str
    model: str
    lines: list[bytes]

    @property
    def folder(self) -> str:
        return f"{self.pipeline}/output"

    def put(self, name: str, lines: list[bytes]) -> None:
        self.trained.cloud.client("s3").put_object(
            Bucket=self.trained.refs.bucket_name,
            Key=f"{self.pipeline}/input/{name}",
            Body=b"".join(lines),
        )

    def run(self) -> Run:
        base = f"s3://{self.trained.refs.bucket_name}/{self.pipeline}"
        values = {
            "ModelName": self.model,
            "Day": "2026-03-02",
            "InputUri": f"{base}/input/",
            "OutputUri": f"{base}/output/",
            "ManifestUri": f"{base}/output/manifest.json",
        }
        started = self.trained.cloud.client("sagemaker").start_pipeline_execution(
            PipelineName=self.pipeline,
            PipelineParameters=[{"Name": name, "Value": text} for name, text in values.items()],
        )
        return follow(aws(self.trained.cloud), started["PipelineExecutionArn"], lambda _: None)

    def outputs(self, run: Run | None = None) -> list[str]:
        """Names of what a run has left, or of what lies beside all runs."""
        part = "" if run is None else f"run={run.execution_id}/"
        listed = self.trained.cloud.client("s3").list_objects_v2(
            Bucket=self.trained.refs.bucket_name, Prefix=f"{self.folder}/{part}", Delimiter="/"
        )
        return [each["Key"].rpartition("/")[2] for each in listed.get("Contents", [])]


def scoring(trained: Trained, hosting: Hosting, pipeline: str) -> Scoring:
    cloud, refs = trained.cloud, trained.refs
    publish = deploy_function(
        cloud, "publish_predictions", MODEL_PACKAGE_GROUP_NAME=refs.model_package_group_name
    )
    definition = scoring_pipeline(
        ScoringSpec(model=SMALL.model, transform=SMALL.transform),
        ScoringRefs(
            kms_key_arn=refs.kms_key_arn,
            bucket_name=refs.bucket_name,
            publish_function_arn=publish,
        ),
    )
    cloud.client("sagemaker").create_pipeline(
        PipelineName=pipeline, PipelineDefinition=json.dumps(definition), RoleArn=ROLE
    )
    model = hosting.config(server(cloud), trained.uri)
    return Scoring(trained, pipeline, model, trained.rows()[:3])
