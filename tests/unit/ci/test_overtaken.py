"""`warmfold ci-overtaken` against a small GitHub: what is deployed decides who may deploy."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from string import Template
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.ci.workflows import commands, workflow
from tests.unit.http_server import Quiet, http_server
from warmfold.cli.main import run

TOKEN = "a-jobs-own"


def sha(number: int) -> str:
    return f"c{number:039}"


@dataclass
class GitHub:
    """A repository whose main has the commits 0 to 9, unless it has more."""

    commits: list[str] = field(default_factory=lambda: list(map(sha, range(10))))
    deployments: list[tuple[str, str, list[str]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def deployed(self, commit: int, *states: str, environment: str = "dev") -> None:
        """A later one than those before; its ``states`` are from first to last."""
        self.deployments.append((environment, sha(commit), list(states)))

    def answer(self, path: str, query: dict[str, str]) -> Any:
        self.asked.append(path)
        if found := re.fullmatch(r"compare/(\w+)\.\.\.main", path):
            newer = self.commits[self.commits.index(found[1]) + 1 :]
            end = int(query["page"]) * int(query["per_page"])
            listed = [{"sha": commit} for commit in newer[end - int(query["per_page"]) : end]]
            return {"commits": listed, "total_commits": len(newer)}
        if path == "deployments":
            return [
                {"id": number, "sha": commit}
                for number, (environment, commit, _) in enumerate(self.deployments)
                if environment == query["environment"]
            ][::-1]
        if found := re.fullmatch(r"deployments/(\d+)/statuses", path):
            _, _, states = self.deployments[int(found[1])]
            return [{"state": state} for state in reversed(states)]
        raise AssertionError(path)


class Handler(Quiet, BaseHTTPRequestHandler):
    def __init__(self, github: GitHub, *arguments: Any) -> None:
        self.github = github
        super().__init__(*arguments)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
        answer: Any = {"message": "Resource not accessible by integration"}
        if allowed:
            answer = self.github.answer(parts.path.removeprefix("/repos/acme/models/"), query)
        self.send_response(200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    made = GitHub()
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http_server(partial(Handler, made)) as api_url:
        monkeypatch.setenv("GITHUB_API_URL", api_url)
        yield made


def asked(commit: int) -> int:
    """The exit code of what the workflow runs for that commit, about to deploy to dev."""
    told = commands(workflow("deploy")["jobs"]["deploy"]).splitlines()
    (line,) = [line for line in told if "ci-overtaken" in line]
    variables = {
        "ENVIRONMENT": "dev",
        "GITHUB_REPOSITORY": "acme/models",
        "GITHUB_SHA": sha(commit),
        "GITHUB_REF_NAME": "main",
    }
    program, *arguments = shlex.split(Template(line).substitute(variables))
    assert program == ".venv/bin/warmfold"
    return run(arguments)


def test_a_commit_that_is_newer_than_what_is_deployed_may_be_deployed(github: GitHub) -> None:
    github.deployed(3, "in_progress", "success")
    assert asked(5) == 0


def test_an_older_commit_than_what_is_deployed_may_not(
    github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.deployed(7, "in_progress", "success")
    assert asked(5) == 2
    assert f"dev has had {sha(7)} deployed" in capsys.readouterr().err


def test_what_is_deployed_may_be_deployed_again(github: GitHub) -> None:
    github.deployed(5, "in_progress", "success")
    github.deployed(5, "in_progress")
    assert asked(5) == 0


def test_a_newer_commit_counts_though_an_older_one_was_deployed_after_it(github: GitHub) -> None:
    github.deployed(7, "success", "inactive")
    github.deployed(3, "success")
    assert asked(5) == 2


@pytest.mark.parametrize("states", [["waiting"], ["in_progress", "failure"], []])
def test_a_newer_commit_that_was_not_deployed_does_not_count(
    github: GitHub, states: list[str]
) -> None:
    github.deployed(7, *states)
    assert asked(5) == 0


def test_other_environments_do_not_count(github: GitHub) -> None:
    github.deployed(7, "success", environment="staging")
    assert asked(5) == 0


@pytest.mark.parametrize("deployed", [6, 150, 230])
def test_all_newer_commits_are_looked_at_however_many_there_are(
    github: GitHub, deployed: int
) -> None:
    github.commits = list(map(sha, range(231)))
    github.deployed(deployed, "success")
    assert asked(5) == 2


def test_the_newest_commit_of_all_needs_no_deployments_to_be_read(github: GitHub) -> None:
    github.deployed(9, "success")
    assert asked(9) == 0
    assert github.asked == [f"compare/{sha(9)}...main"]


def test_a_job_that_may_not_read_deployments_is_told_what_it_needs(
    github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GH_TOKEN", "another")
    assert asked(5) == 2
    said = capsys.readouterr().err
    assert "GitHub answers 403" in said
    assert "contents: read and deployments: read" in said


def test_a_job_without_a_token_is_told_how_to_have_one(
    github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GH_TOKEN")
    assert asked(5) == 2
    assert "GH_TOKEN is not set" in capsys.readouterr().err
