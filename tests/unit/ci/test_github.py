"""What is said where GitHub cannot be asked, or answers something else."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.unit.http_server import Quiet, http_server
from warmfold.cli.main import run
from warmfold.github import GitHubError, Repository

COMMIT = "0123456789abcdef" * 2 + "01234567"
NOTHING_NEWER = b'{"commits": [], "total_commits": 0}'
ONE_NEWER = b'{"commits": [{"sha": "%s"}], "total_commits": 1}' % COMMIT.encode()


@dataclass
class Replies:
    """Status and body of each answer in turn; the last one again and again."""

    left: list[tuple[int, bytes]] = field(default_factory=list)
    asked: int = 0
    api_url: str = ""

    def next(self) -> tuple[int, bytes]:
        self.asked += 1
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def newer(self, *left: tuple[int, bytes]) -> str | None:
        self.left = list(left)
        return repository(api_url=self.api_url).newer_deployed(COMMIT, "main", "dev")


class Handler(Quiet, BaseHTTPRequestHandler):
    def __init__(self, replies: Replies, *arguments: Any) -> None:
        self.replies = replies
        super().__init__(*arguments)

    def do_GET(self) -> None:
        status, body = self.replies.next()
        if status == 0:
            return  # closed without an answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replies]:
    made = Replies()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http_server(partial(Handler, made)) as made.api_url:
        yield made


def repository(**changed: Any) -> Repository:
    given = {"api_url": "https://api.github.com", "name": "acme/models", "token": "secret"}
    return Repository(**{**given, **changed}, waits_seconds=(0.0, 0.0))


@pytest.mark.parametrize("fault", [(500, b"oops"), (503, b""), (0, b""), (200, b"<html>")])
def test_a_passing_fault_is_asked_again(replies: Replies, fault: tuple[int, bytes]) -> None:
    assert replies.newer(fault, fault, (200, NOTHING_NEWER)) is None
    assert replies.asked == 3


@pytest.mark.parametrize(
    "fault, words",
    [
        ((502, b"bad\ngateway"), "GitHub answers 502: bad gateway; run the job again"),
        ((0, b""), "GitHub could not be reached: .*; run the job again"),
        ((200, b"<html>"), "something else than JSON: .*; run the job again"),
        ((200, b"\xff\xfe"), "something else than JSON: .*; run the job again"),
    ],
)
def test_a_fault_that_stays_is_told_once(
    replies: Replies, fault: tuple[int, bytes], words: str
) -> None:
    with pytest.raises(GitHubError, match=words):
        replies.newer(fault)
    assert replies.asked == 3


@pytest.mark.parametrize(
    "status, words",
    [
        (401, "GH_TOKEN is no valid token.*contents: read and deployments: read"),
        (403, "GitHub answers 403: no; the job needs the permissions contents: read and"),
        (404, "the repository, the commit or the branch does not exist, or the token may not"),
        (429, "GitHub answers 429: no; run the job again"),
    ],
)
def test_a_refusal_is_not_asked_again_and_has_its_advice(
    replies: Replies, status: int, words: str
) -> None:
    with pytest.raises(GitHubError, match=words):
        replies.newer((status, b"no"))
    assert replies.asked == 1


@pytest.mark.parametrize(
    "answers",
    [
        [b"{}"],
        [b"[]"],
        [b"null"],
        [b'{"commits": [1], "total_commits": 1}'],
        [b'{"commits": [{"sha": "a"}]}'],
        [ONE_NEWER, b"{}"],
        [ONE_NEWER, b'[{"sha": 1}]'],
        [ONE_NEWER, b'[{"sha": "%s", "id": 1}]' % COMMIT.encode(), b"[{}]"],
    ],
)
def test_json_of_another_shape_is_no_answer(replies: Replies, answers: list[bytes]) -> None:
    with pytest.raises(GitHubError, match=r"something else than its documentation.*job again"):
        replies.newer(*((200, answer) for answer in answers))


def test_nobody_who_listens_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("GH_TOKEN", "secret")
    with socket.socket() as taken:  # bound, and listening to nobody
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        told = ["--repository", "acme/models", "--commit", COMMIT, "--branch", "main"]
        assert run(["ci-overtaken", "--env", "dev", *told]) == 2
    said = capsys.readouterr().err
    assert re.search(r"GitHub could not be reached: .*; run the job again", said)
    assert "Traceback" not in said


@pytest.mark.parametrize("token", ["se\ncret", "se\r\ncret", "se cret", "sécret", " \n"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(GitHubError, match="GH_TOKEN is empty, or has spaces, line breaks") as told:
        repository(token=token)
    assert "cret" not in str(told.value)


def test_a_line_break_after_the_token_is_no_part_of_it() -> None:
    made = repository(token="secret\n")
    assert made.token == "secret"
    assert "secret" not in repr(made)


@pytest.mark.parametrize(
    "name", ["models", "acme/", "/models", "acme/models/x", "a b/c", "acme/.."]
)
def test_a_repository_is_an_owner_and_a_name(name: str) -> None:
    with pytest.raises(GitHubError, match="is not written OWNER/NAME"):
        repository(name=name)


@pytest.mark.parametrize("commit", ["", "main", "HEAD~1", COMMIT[:-1], COMMIT + "0", "g" * 40])
def test_a_commit_is_a_whole_sha(commit: str) -> None:
    with pytest.raises(GitHubError, match="give all 40 hexadecimal digits"):
        repository().newer_deployed(commit, "main", "dev")


@pytest.mark.parametrize(
    "url", ["", "api.github.com", "file:///etc", "https://", "https://x:port", "https://a b"]
)
def test_an_address_is_that_of_a_web_server(url: str) -> None:
    with pytest.raises(GitHubError, match=r"GITHUB_API_URL is .*begins with https://"):
        repository(api_url=url)
