"""Random sequences of operations on the control plane and on the reference model: they agree.

After every step each answer, status and list is compared. Containers are stood in for by
`engine.py`, so that the test decides when a job ends and how.
"""

import tempfile
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.engine import Engine, until
from tests.model.looking import Looking, tuning_request
from tests.model.reference import ENDED, Reference, Refused
from tests.unit.local.jobs_support import ROLE, Bench, training_request
from warmfold_local.sagemaker import endpoints, training

NAMES = st.sampled_from(["a", "ab", "b"])
SCORES = st.none() | st.integers(0, 9).map(float)
APPROVALS = st.sampled_from(["Approved", "Rejected", "PendingManualApproval"])
VERSIONS = st.integers(1, 3)


class ControlPlane(Looking, RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.before = set(threading.enumerate())
        self.engine = Engine()
        self.patches: list[Any] = [
            patch.object(training, "run_training", self.engine.run_training),
            patch.object(endpoints, "Fleet", self.engine.fleet),
        ]
        for seam in self.patches:
            seam.start()
        self.bench = Bench(Path(self.folder.name))
        self.model = Reference()

    @initialize()
    def an_image_and_a_model(self) -> None:
        self.image = self.bench.image("")
        container = {"Image": self.image}
        self.call("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)

    def teardown(self) -> None:
        self.engine.closed.set()
        self.bench.cloud.stopping.set()
        for thread in set(threading.enumerate()) - self.before:
            thread.join(20)
            assert not thread.is_alive(), thread.name
        for seam in self.patches:
            seam.stop()
        self.folder.cleanup()

    # Training jobs

    @rule(name=NAMES)
    def create_job(self, name: str) -> None:
        request = training_request(self.image, name)
        self.both(lambda: self.model.create_job(name), "CreateTrainingJob", **request)

    @precondition(lambda self: "InProgress" in self.model.jobs.values())
    @rule(data=st.data(), score=SCORES)
    def end_job(self, data: st.DataObject, score: float | None) -> None:
        running = sorted(n for n, status in self.model.jobs.items() if status == "InProgress")
        name = data.draw(st.sampled_from(running))
        self.model.end_job(name, "Failed" if score is None else "Completed")
        self.engine.outcomes[name] = score
        until(lambda: self.job_status(name) in ENDED, f"{name} ended")

    @rule(name=NAMES)
    def stop_job(self, name: str) -> None:
        if self.both(lambda: self.model.stop_job(name), "StopTrainingJob", TrainingJobName=name):
            until(lambda: self.job_status(name) in ENDED, f"{name} stopped")

    @rule(
        contains=st.none() | st.sampled_from(["a", "b", "ab", "c"]),
        status=st.none() | st.sampled_from(["InProgress", "Completed", "Failed", "Stopped"]),
        size=st.integers(1, 3),
    )
    def list_jobs(self, contains: str | None, status: str | None, size: int) -> None:
        asked = {"StatusEquals": status, "NameContains": contains, "MaxResults": size}
        given = {key: value for key, value in asked.items() if value is not None}
        found = self.pages("ListTrainingJobs", "TrainingJobSummaries", **given)
        names = [item["TrainingJobName"] for item in found if "TuningJobArn" not in item]
        assert names == self.model.list_jobs(contains or "", status)

    # Tuning jobs

    @rule(name=st.sampled_from(["t", "tu"]), trials=st.integers(1, 3))
    def create_tuning(self, name: str, trials: int) -> None:
        request = tuning_request(self.image, name, trials)
        create = "CreateHyperParameterTuningJob"
        if self.both(lambda: self.model.create_tuning(name, trials), create, **request):
            until(lambda: len(self.trials(name)) == trials, f"{name} has its trials")

    @precondition(lambda self: any(t.counted("InProgress") for t in self.model.tunings.values()))
    @rule(data=st.data(), score=SCORES)
    def end_trial(self, data: st.DataObject, score: float | None) -> None:
        running = [
            (name, number)
            for name, tuning in sorted(self.model.tunings.items())
            for number, trial in enumerate(tuning.trials)
            if trial.status == "InProgress"
        ]
        name, number = data.draw(st.sampled_from(running))
        self.model.end_trial(name, number, score)
        self.engine.outcomes[self.trials(name)[number]["TrainingJobName"]] = score
        self.settled(name)

    @rule(name=st.sampled_from(["t", "tu"]))
    def stop_tuning(self, name: str) -> None:
        stop = "StopHyperParameterTuningJob"
        asked = {"HyperParameterTuningJobName": name}
        if self.both(lambda: self.model.stop_tuning(name), stop, **asked):
            self.settled(name)

    def settled(self, name: str) -> None:
        """The tuning job shows what its trials have come to."""
        tuning = self.model.tunings[name]

        def shown() -> bool:
            found = self.tuning(name)
            counters = found["TrainingJobStatusCounters"]
            return bool(
                found["HyperParameterTuningJobStatus"] == tuning.status
                and counters["Completed"] == tuning.counted("Completed")
                and counters["InProgress"] == tuning.counted("InProgress")
            )

        until(shown, f"{name} is {tuning.status}")

    # Endpoints

    @rule(name=NAMES)
    def create_config(self, name: str) -> None:
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large"}
        self.both(
            lambda: self.model.create_config(name),
            "CreateEndpointConfig",
            EndpointConfigName=name,
            ProductionVariants=[variant],
        )

    @rule(name=NAMES)
    def delete_config(self, name: str) -> None:
        self.both(
            lambda: self.model.delete_config(name), "DeleteEndpointConfig", EndpointConfigName=name
        )

    @rule(name=NAMES, config=NAMES, operation=st.sampled_from(["create", "update"]))
    def create_or_update_endpoint(self, name: str, config: str, operation: str) -> None:
        expected = getattr(self.model, f"{operation}_endpoint")
        self.both(
            lambda: expected(name, config),
            f"{operation.title()}Endpoint",
            EndpointName=name,
            EndpointConfigName=config,
        )

    @precondition(
        lambda self: any(e.status in ("Creating", "Updating") for e in self.endpoints_of_model())
    )
    @rule(data=st.data(), healthy=st.booleans())
    def deploy(self, data: st.DataObject, healthy: bool) -> None:
        changing = [
            name
            for name, endpoint in sorted(self.model.endpoints.items())
            if endpoint.status in ("Creating", "Updating")
        ]
        name = data.draw(st.sampled_from(changing))
        self.model.deploy(name, healthy=healthy)
        self.engine.fleets[name] = healthy
        settled = ("InService", "Failed")
        until(lambda: self.endpoint(name)["EndpointStatus"] in settled, f"{name} settled")

    @rule(name=NAMES)
    def delete_endpoint(self, name: str) -> None:
        if self.both(lambda: self.model.delete_endpoint(name), "DeleteEndpoint", EndpointName=name):
            until(lambda: name not in self.listed_endpoints(), f"{name} is gone")

    # Packages

    @rule(name=NAMES)
    def create_group(self, name: str) -> None:
        asked = {"ModelPackageGroupName": name}
        self.both(lambda: self.model.create_group(name), "CreateModelPackageGroup", **asked)

    @rule(name=NAMES)
    def delete_group(self, name: str) -> None:
        asked = {"ModelPackageGroupName": name}
        self.both(lambda: self.model.delete_group(name), "DeleteModelPackageGroup", **asked)

    @rule(name=NAMES)
    def register(self, name: str) -> None:
        inference = {
            "Containers": [{"Image": self.image}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        self.both(
            lambda: self.model.register(name),
            "CreateModelPackage",
            ModelPackageGroupName=name,
            InferenceSpecification=inference,
        )

    @rule(name=NAMES, version=VERSIONS, status=APPROVALS)
    def approve(self, name: str, version: int, status: str) -> None:
        self.both(
            lambda: self.model.approve(name, version, status),
            "UpdateModelPackage",
            ModelPackageArn=self.package_arn(name, version),
            ModelApprovalStatus=status,
        )

    @rule(name=NAMES, version=VERSIONS)
    def delete_version(self, name: str, version: int) -> None:
        self.both(
            lambda: self.model.delete_version(name, version),
            "DeleteModelPackage",
            ModelPackageName=self.package_arn(name, version),
        )

    @rule(name=NAMES, version=VERSIONS)
    def only_what_is_approved_can_be_a_model(self, name: str, version: int) -> None:
        group = self.model.groups.get(name)
        approved = group is not None and group.versions.get(version) == "Approved"
        package = {"ModelPackageName": self.package_arn(name, version)}

        def expected() -> None:
            if not approved:
                raise Refused("ValidationException")

        asked = {"PrimaryContainer": package, "ExecutionRoleArn": ROLE}
        if self.both(expected, "CreateModel", ModelName="try", **asked):
            self.call("DeleteModel", ModelName="try")

    # What must be the same after every step

    @invariant()
    def jobs_agree(self) -> None:
        shown = {name: self.job_status(name) for name in self.model.jobs}
        assert shown == self.model.jobs

    @invariant()
    def tunings_agree(self) -> None:
        for name, tuning in self.model.tunings.items():
            statuses = [trial["TrainingJobStatus"] for trial in self.trials(name)]
            assert statuses == [trial.status for trial in tuning.trials]
            best = self.tuning(name).get("BestTrainingJob", {})
            metric = best.get("FinalHyperParameterTuningJobObjectiveMetric", {})
            assert metric.get("Value") == tuning.best

    @invariant()
    def endpoints_agree(self) -> None:
        assert self.listed_endpoints() == {n: e.status for n, e in self.model.endpoints.items()}
        for name, endpoint in self.model.endpoints.items():
            found = self.endpoint(name)
            assert ("FailureReason" in found) == endpoint.failed
            if endpoint.config is not None:
                assert found["EndpointConfigName"] == endpoint.config

    @invariant()
    def packages_agree(self) -> None:
        groups = self.pages("ListModelPackageGroups", "ModelPackageGroupSummaryList", MaxResults=2)
        assert {item["ModelPackageGroupName"] for item in groups} == set(self.model.groups)
        for name in self.model.groups:
            for status in (None, "Approved"):
                filters = {"ModelApprovalStatus": status} if status is not None else {}
                listed = self.pages(
                    "ListModelPackages",
                    "ModelPackageSummaryList",
                    ModelPackageGroupName=name,
                    MaxResults=1,
                    **filters,
                )
                versions = [item["ModelPackageVersion"] for item in listed]
                assert versions == self.model.list_versions(name, status)

    def endpoints_of_model(self) -> list[Any]:
        return list(self.model.endpoints.values())


TestControlPlane = ControlPlane.TestCase
TestControlPlane.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
