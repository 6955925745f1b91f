"""The demo, run as `make demo` runs it, and what its commands do with the cloud that it keeps.

One demo is kept for the whole module, since a deployment takes most of its time.
"""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localcloud.demo_aids import (
    DATA,
    MODEL,
    Demo,
    bad_data,
    build_images,
    read_until,
    run,
    started,
)
from tests.localcloud.processes import assert_nothing_runs
from tests.unit.infrastructure.iam_recording import live_calls, recorded_calls
from warmfold.runs.aws import find_deployment, split_s3_uri
from warmfold_local import launcher

pytestmark = pytest.mark.localcloud

HOLDOUT_ROWS = 200


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    state_dir, report = folder / "state folder", folder / "report.html"
    build_images()
    outcome = run(state_dir, "demo", "--keep", "--report", str(report))
    try:
        yield Demo(state_dir, report, outcome)
    finally:
        launcher.stop(state_dir)
    assert_nothing_runs(state_dir)


def test_the_demo_succeeds_and_says_what_happened(demo: Demo) -> None:
    assert demo.outcome.returncode == 0, demo.outcome.stdout + demo.outcome.stderr
    for expected in (
        "8/8 Write the report",
        "What happened",
        "7 stacks",
        "12 complete trials",
        "endpoint InService with model version 1",
        f"{HOLDOUT_ROWS} predictions",
        f"Report: {demo.report}",
        'local env)"',
    ):
        assert expected in demo.outcome.stdout


def test_the_platforms_roles_are_asked_what_the_recording_says_and_refused_nothing(
    demo: Demo,
) -> None:
    instance = launcher.running(demo.state_dir)
    assert instance is not None
    asked, refused = live_calls(instance.settings)
    assert refused == []
    # The recording has a second promotion and a reconcile besides; `iam_recording` makes it anew.
    assert asked <= recorded_calls()


def test_the_secret_is_not_printed(demo: Demo) -> None:
    instance = launcher.running(demo.state_dir)
    assert instance is not None
    assert instance.settings.secret not in demo.outcome.stdout + demo.outcome.stderr
    shown = run(demo.state_dir, "local", "env")
    assert shown.stdout.startswith("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN ")
    assert f"export AWS_ENDPOINT_URL={instance.settings.endpoint_url}" in shown.stdout


def test_the_report_shows_this_run(demo: Demo) -> None:
    text = demo.report.read_text(encoding="utf-8")
    [package] = demo.packages()
    described = demo.aws.client("sagemaker").describe_model_package(
        ModelPackageName=package["ModelPackageArn"]
    )
    metadata = described["CustomerMetadataProperties"]
    assert package["ModelPackageArn"] in text
    assert metadata["data_fingerprint"] in text
    assert f"the hold-out {float(metadata['score']):.4f}" in text
    assert "Is the best really better?" in text


def test_one_version_is_registered_approved_and_served(demo: Demo) -> None:
    [package] = demo.packages()
    assert package["ModelApprovalStatus"] == "Approved"
    client = demo.aws.client("sagemaker")
    endpoint = client.describe_endpoint(EndpointName=f"warmfold-local-{MODEL}")
    assert endpoint["EndpointStatus"] == "InService"


def test_the_days_predictions_are_those_of_the_endpoint(demo: Demo, tmp_path: Path) -> None:
    """The batch in the bucket and the real-time endpoint agree on every applicant."""
    s3 = demo.aws.client("s3")
    bucket, prefix = split_s3_uri(find_deployment(demo.aws, MODEL).batch["BatchOutputUri"])
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    [manifest_key] = [o["Key"] for o in listed if o["Key"].endswith("/manifest.json")]
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=manifest_key)["Body"].read())
    [file] = manifest["files"]
    _, key = split_s3_uri(file["uri"])
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    rows = [json.loads(line) for line in body.splitlines()]
    assert len(rows) == manifest["records"] == HOLDOUT_ROWS
    batch = [row.pop("SageMakerOutput")["score"] for row in rows]
    assert all(0 < score < 1 for score in batch)
    assert len(set(batch)) > HOLDOUT_ROWS / 2

    applicants = tmp_path / "applicants.jsonl"
    applicants.write_text("\n".join(json.dumps(row) for row in rows[:20]), encoding="utf-8")
    scored = run(demo.state_dir, "score", str(applicants))
    assert scored.returncode == 0, scored.stderr
    assert [float(line) for line in scored.stdout.split()] == pytest.approx(batch[:20])
    sample = run(demo.state_dir, "score", str(DATA.with_name("applicants.jsonl")))
    assert sample.returncode == 0, sample.stderr
    assert all(0 < float(line) < 1 for line in sample.stdout.splitlines())
    assert len(sample.stdout.splitlines()) == 5
    loaded = run(demo.state_dir, "load-test", str(applicants), "--seconds", "0.3")
    assert loaded.returncode == 0, loaded.stderr
    assert re.search(r"^target_invocations_per_instance = [1-9]\d*$", loaded.stdout, re.MULTILINE)
    assert "1 of ml.m5.large: " in loaded.stdout


def test_a_second_demo_does_not_touch_a_kept_cloud(demo: Demo) -> None:
    second = run(demo.state_dir, "demo")
    assert second.returncode == 2
    assert "already running" in second.stderr
    assert launcher.running(demo.state_dir) is not None


@pytest.mark.parametrize(
    "kind, words",
    [
        ("no target", "creditability"),
        ("constant target", "creditability"),
        ("ragged", "row 7"),
        ("not UTF-8", "UTF-8"),
    ],
)
def test_bad_data_fails_the_run_plainly_and_registers_nothing(
    demo: Demo, tmp_path: Path, kind: str, words: str
) -> None:
    before = demo.packages()
    data = tmp_path / "bad data.csv"
    data.write_bytes(bad_data(kind))
    outcome = run(demo.state_dir, "run", "--data", str(data))
    assert outcome.returncode == 1
    assert "step BuildFeatures failed" in outcome.stderr
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr
    log = re.search(r"its log: (.*log\.txt)", outcome.stderr)
    assert log is not None
    assert words in Path(log.group(1)).read_text(encoding="utf-8")
    assert demo.packages() == before


def test_a_model_below_the_gate_is_registered_as_rejected_and_the_command_fails(
    demo: Demo, tmp_path: Path
) -> None:
    outcome = run(demo.state_dir, "run", "--data", str(DATA), "--minimum-score", "0.999")
    assert outcome.returncode == 1
    assert "the hold-out score is below the minimum" in outcome.stderr
    newest = max(demo.packages(), key=lambda package: int(package["ModelPackageVersion"]))
    assert newest["ModelApprovalStatus"] == "Rejected"
    assert f"model version {newest['ModelPackageVersion']}: Rejected" in outcome.stdout

    report = tmp_path / "rejected.html"
    assert run(demo.state_dir, "report", "--output", str(report)).returncode == 0
    text = report.read_text(encoding="utf-8")
    assert "asks for AUC of at least 0.999" in text
    assert "registered as Rejected: it cannot be deployed" in text


def test_a_missing_data_file_starts_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path / "state", "demo", "--data", str(tmp_path / "nowhere.csv"))
    assert outcome.returncode == 2
    assert "nowhere.csv does not exist" in outcome.stderr
    assert not (tmp_path / "state").exists()


def test_a_killed_demo_is_cleared_away_and_an_interrupted_one_stops_everything(
    tmp_path: Path,
) -> None:
    """SIGKILL leaves a kept cloud behind; the next demo works, until Ctrl-C while trials run."""
    state_dir = tmp_path / "state folder"
    with started(state_dir, ["demo", "--keep"]) as killed:
        read_until(killed, "Bootstrap and deploy")
        orphan = launcher.running(state_dir)
        killed.kill()
    assert orphan is not None

    with started(state_dir, ["demo"]) as interrupted:
        read_until(interrupted, "tuning gbdt: trials")
        instance = launcher.running(state_dir)
        assert instance is not None
        assert instance.pid != orphan.pid
        interrupted.send_signal(signal.SIGINT)
        output, _ = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130, output
    assert "everything that was started is stopped" in output
    assert_nothing_runs(state_dir)
