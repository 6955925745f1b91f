"""The workflows: what they may do, in which order, and that what they run is there."""

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest

from config.load import REPOSITORY
from tests.unit.ci.workflows import FILES, commands, every_job, steps, workflow

ENVIRONMENTS = ["dev", "staging", "prod"]


def test_a_pull_request_runs_as_one_and_never_with_the_bases_rights() -> None:
    assert [path.stem for path in FILES] == ["deploy", "main", "pull-request"]
    assert set(workflow("pull-request")["on"]) == {"pull_request"}
    assert workflow("main")["on"] == {"push": {"branches": ["main"]}}
    assert set(workflow("deploy")["on"]) == {"workflow_call"}
    for path in FILES:
        assert workflow(path.stem)["permissions"] == {"contents": "read"}
        assert "secrets." not in path.read_text(encoding="utf-8")


def test_only_jobs_that_sign_in_have_an_identity_and_only_the_comment_may_write() -> None:
    writing = {
        (where, permission)
        for where, job in every_job()
        for permission, access in job.get("permissions", {}).items()
        if access == "write"
    }
    assert writing == {
        ("pull-request.yml/diff", "id-token"),
        ("pull-request.yml/comment", "pull-requests"),
        ("deploy.yml/deploy", "id-token"),
        *((f"main.yml/{environment}", "id-token") for environment in ENVIRONMENTS),
    }


def test_the_job_that_may_write_runs_nothing_of_the_pull_request() -> None:
    comment = workflow("pull-request")["jobs"]["comment"]
    assert [step["uses"].partition("@")[0] for step in steps(comment) if "uses" in step] == [
        "actions/download-artifact"
    ]
    assert not re.search(r"\./|\bmake\b|python", commands(comment))


def test_an_environment_whose_diff_failed_is_said_to_have_beside_the_others(tmp_path: Path) -> None:
    comment = workflow("pull-request")["jobs"]["comment"]
    assert comment["if"] == "${{ !cancelled() && needs.diff.result != 'skipped' }}"
    (tmp_path / "diff").mkdir()
    for environment in ("dev", "prod"):
        (tmp_path / f"diff/{environment}.txt").write_text(f"what {environment} gets\n")
    (tmp_path / "gh").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "gh").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(comment)],
        cwd=tmp_path,
        env={"PATH": path, "NUMBER": "7", "GITHUB_REPOSITORY": "a/b"},
        check=True,
    )
    text = (tmp_path / "comment.md").read_text()
    parts = ["cdk diff: dev", "what dev gets", "cdk diff: staging", "failed", "what prod gets"]
    positions = [text.index(part) for part in parts]
    assert positions == sorted(positions)


def test_a_fork_never_signs_in() -> None:
    diff = workflow("pull-request")["jobs"]["diff"]
    assert "head.repo.full_name == github.repository" in diff["if"]
    assert "diff-role" in str(diff)
    assert "deploy-role" not in str(diff)


def test_environments_follow_each_other_behind_one_build_of_the_images() -> None:
    jobs = workflow("main")["jobs"]
    order = ["checks", "images", *ENVIRONMENTS]
    assert list(jobs) == order
    for before, after in itertools.pairwise(order):
        assert jobs[after]["needs"] == before
    for environment in ENVIRONMENTS:
        assert jobs[environment]["uses"] == "./.github/workflows/deploy.yml"
        assert jobs[environment]["with"] == {"environment": environment}
    building = [where for where, job in every_job() if "build-images" in commands(job)]
    assert building == ["main.yml/images"]


def test_an_environment_gets_its_repositories_then_its_images_then_its_stacks() -> None:
    job = workflow("deploy")["jobs"]["deploy"]
    assert job["environment"] == "${{ inputs.environment }}"
    told = commands(job)
    parts = ("ci-overtaken", "-images", "push-images", "--all")
    positions = [told.index(part) for part in parts]
    assert positions == sorted(positions)


def test_a_run_that_was_overtaken_is_refused_by_the_job_that_has_the_environment_to_itself() -> (
    None
):
    jobs, deploy = workflow("main")["jobs"], workflow("deploy")["jobs"]["deploy"]
    assert deploy["concurrency"] == {
        "group": "deploy-${{ inputs.environment }}",
        "cancel-in-progress": "false",
    }
    (asking,) = [step for step in steps(deploy) if "ci-overtaken" in step.get("run", "")]
    assert asking["env"] == {"GH_TOKEN": "${{ github.token }}"}
    assert not {"if", "continue-on-error"} & asking.keys()
    # A called workflow has no more rights than the job that calls it.
    for job in [deploy, *(jobs[environment] for environment in ENVIRONMENTS)]:
        assert job["permissions"] == {
            "contents": "read",
            "deployments": "read",
            "id-token": "write",
        }


def test_a_slower_run_does_not_take_the_place_of_a_newer_one_that_waits() -> None:
    jobs = workflow("main")["jobs"]
    for environment in ("dev", "staging"):
        assert jobs[environment]["concurrency"] == {
            # Another group than the called job's: it would wait for itself.
            "group": f"{environment}-in-turn",
            "queue": "max",
            "cancel-in-progress": "false",
        }


def test_an_approval_that_is_waited_for_holds_up_no_other_environment() -> None:
    main = workflow("main")
    assert "concurrency" not in main
    assert "concurrency" not in main["jobs"]["prod"]
    groups = [job["concurrency"]["group"] for _, job in every_job() if "concurrency" in job]
    assert sorted(groups) == ["deploy-${{ inputs.environment }}", "dev-in-turn", "staging-in-turn"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_the_version_beside_it(path: Path) -> None:
    uses = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    assert uses
    for action, comment in uses:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_an_action_has_the_same_commit_everywhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    pins: dict[str, set[str]] = {}
    for action, commit in re.findall(r"uses: ([\w-]+/[\w-]+)@(\S+)", text):
        pins.setdefault(action, set()).add(commit)
    assert {action for action, commits in pins.items() if len(commits) > 1} == set()


def test_no_expression_is_pasted_into_a_script() -> None:
    for where, job in every_job():
        assert "${{" not in commands(job), where


def test_what_the_workflows_run_is_there_and_can_be_run() -> None:
    for where, job in every_job():
        for script in re.findall(r"\.ci/[\w-]+", commands(job)):
            path = REPOSITORY / script
            assert path.is_file(), where
            assert os.access(path, os.X_OK) or f"bash {script}" in commands(job), where


def test_a_pull_request_is_compared_with_every_environment_without_writing_a_change_set() -> None:
    diff = workflow("pull-request")["jobs"]["diff"]
    assert diff["strategy"]["matrix"] == {"environment": ENVIRONMENTS}
    assert "--method=template" in commands(diff)
