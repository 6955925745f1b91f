"""Random sequences of operations on the control plane and on the reference model: they agree.

After every step each answer, status and list is compared. Containers are stood in for by
`engine.py`, so that the test decides when a job ends and how.
"""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.model.benches import Machine, repeatable
from tests.model.endpoint_rules import EndpointRules
from tests.model.engine import until
from tests.model.looking import tuning_request
from tests.model.reference import ENDED, Reference, Refused
from tests.unit.local.jobs_support import ROLE, training_request

NAMES = st.sampled_from(["a", "ab", "b"])
SCORES = st.none() | st.integers(0, 9).map(float)
APPROVALS = st.sampled_from(["Approved", "Rejected", "PendingManualApproval"])
VERSIONS = st.integers(1, 3)


class ControlPlane(EndpointRules, Machine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Reference()

    @initialize()
    def an_image_and_a_model(self) -> None:
        self.image = self.bench.image("")
        container = {"Image": self.image}
        self.call("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)

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


TestControlPlane = ControlPlane.TestCase
TestControlPlane.settings = repeatable(examples=25, steps=40)
