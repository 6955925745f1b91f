"""What GitHub's API says of a repository's commits and deployments, asked with a job's own token.

A job that names an environment is a deployment there, which GitHub keeps with its statuses:
https://docs.github.com/en/rest/deployments
"""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit

from warmfold.errors import WarmfoldError

_PAGE = 100  # the most that GitHub gives at once
_TIMEOUT_SECONDS = 30.0
_WAITS_SECONDS = (1.0, 3.0, 9.0)
_SERVER_FAULT = 500  # and above
_AGAIN = "run the job again"
_PERMISSIONS = "the job needs the permissions contents: read and deployments: read"
_ADVICE = {
    401: f"GH_TOKEN is no valid token: give the step ${{{{ github.token }}}}; {_PERMISSIONS}",
    403: _PERMISSIONS,
    404: "the repository, the commit or the branch does not exist, or the token may not see it: "
    + _PERMISSIONS,
}
_NAME = re.compile(r"[A-Za-z0-9-]{1,39}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")

T = TypeVar("T")


class GitHubError(WarmfoldError):
    """GitHub cannot be asked, refuses, or answers something else than it is documented to."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """``name`` is ``owner/name``; ``token`` needs ``contents: read`` and ``deployments: read``.

    Spaces and line breaks around the token are no part of it. After a fault of the network or of
    GitHub's the request is sent again, once after each of ``waits_seconds``. Raises
    ``GitHubError`` for what cannot be asked with; a token is never shown.
    """

    api_url: str
    name: str
    token: str = field(repr=False)
    waits_seconds: tuple[float, ...] = _WAITS_SECONDS

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", self.token.strip())
        if not (self.token.isascii() and re.fullmatch(r"\S+", self.token)):
            raise GitHubError(
                "GH_TOKEN is empty, or has spaces, line breaks or characters that no token has: "
                "give the step ${{ github.token }} by that name"
            )
        if not _NAME.fullmatch(self.name):
            raise GitHubError(f"repository {self.name!r} is not written OWNER/NAME, as on GitHub")
        if not _is_address(self.api_url):
            raise GitHubError(
                f"GITHUB_API_URL is {self.api_url!r}: give an address that begins with https://, "
                "as https://api.github.com"
            )

    def newer_deployed(self, commit: str, branch: str, environment: str) -> str | None:
        """A commit of the branch that ``commit`` does not have, and that was deployed; or none.

        Of an environment's deployments the newest hundred are asked. Raises ``GitHubError``.
        """
        if not _COMMIT.fullmatch(commit):
            raise GitHubError(f"commit {commit!r} is no SHA: give all 40 hexadecimal digits")
        newer = set(self._commits(commit, branch))
        if not newer:
            return None
        path = f"deployments?environment={quote(environment, safe='')}&per_page={_PAGE}"
        for deployment in _of(self._get(path), list):
            sha = _member(deployment, "sha", str)
            if sha in newer and self._succeeded(_member(deployment, "id", int)):
                return sha
        return None

    def _commits(self, base: str, head: str) -> Iterator[str]:
        """Those of ``head`` that ``base`` does not have."""
        seen, page, more = 0, 1, True
        while more:
            path = f"compare/{base}...{quote(head)}?per_page={_PAGE}&page={page}"
            answer = self._get(path)
            found = _member(answer, "commits", list)
            yield from (_member(each, "sha", str) for each in found)
            seen, page = seen + len(found), page + 1
            more = bool(found) and seen < _member(answer, "total_commits", int)

    def _succeeded(self, deployment: int) -> bool:
        """Whether it ever did: once another has, GitHub may call it inactive."""
        statuses = _of(self._get(f"deployments/{deployment}/statuses?per_page={_PAGE}"), list)
        return any(_member(status, "state", str) == "success" for status in statuses)

    def _get(self, path: str) -> Any:
        for wait in self.waits_seconds:
            try:
                return self._get_once(path)
            except _Passing:
                time.sleep(wait)
        return self._get_once(path)

    def _get_once(self, path: str) -> Any:
        url = f"{self.api_url.rstrip('/')}/repos/{self.name}/{path}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
        }
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - see `_is_address`
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                raise _refusal(url, error) from error
        except (OSError, HTTPException) as error:
            raise _Passing(f"GitHub could not be reached: {url}: {error}; {_AGAIN}") from error
        except ValueError as error:
            raise _Passing(f"GitHub answered something else than JSON: {url}; {_AGAIN}") from error


class _Passing(GitHubError):
    """It may be otherwise in a moment."""


def _refusal(url: str, error: HTTPError) -> GitHubError:
    try:
        said = " ".join(error.read(300).decode(errors="replace").split())
    except (OSError, HTTPException):  # cut off: the status is what matters
        said = ""
    told = f"{url}: GitHub answers {error.code}" + (f": {said}" if said else "")
    if error.code >= _SERVER_FAULT:
        return _Passing(f"{told}; {_AGAIN}")
    return GitHubError(f"{told}; {_ADVICE.get(error.code, _AGAIN)}")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
    return known and url.isascii() and re.fullmatch(r"\S+", url) is not None


def _member(answer: object, name: str, kind: type[T]) -> T:
    return _of(_of(answer, dict).get(name), kind)


def _of(answer: object, kind: type[T]) -> T:
    if not isinstance(answer, kind):
        raise GitHubError(
            "GitHub answered something else than its documentation says; check GITHUB_API_URL, "
            f"and {_AGAIN}"
        )
    return answer
