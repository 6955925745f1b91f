"""What GitHub's API says of a repository's commits and deployments, asked with a job's own token.

A job that names an environment is a deployment there, which GitHub keeps with its statuses:
https://docs.github.com/en/rest/deployments
"""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

from warmfold.errors import WarmfoldError

_PAGE = 100  # the most that GitHub gives at once
_TIMEOUT_SECONDS = 30.0


class GitHubRefusedError(WarmfoldError):
    """GitHub answered with an error."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """``name`` is ``owner/name``; ``token`` needs ``contents: read`` and ``deployments: read``."""

    api_url: str
    name: str
    token: str

    def newer_deployed(self, commit: str, branch: str, environment: str) -> str | None:
        """A commit of the branch that ``commit`` does not have, and that was deployed; or none.

        Of an environment's deployments the newest hundred are asked. Raises
        ``GitHubRefusedError``.
        """
        newer = set(self._commits(commit, branch))
        if not newer:
            return None
        listed = self._get(f"deployments?environment={quote(environment)}&per_page={_PAGE}")
        for deployment in listed:
            if deployment["sha"] in newer and self._succeeded(deployment["id"]):
                return str(deployment["sha"])
        return None

    def _commits(self, base: str, head: str) -> Iterator[str]:
        """Those of ``head`` that ``base`` does not have."""
        seen, page, more = 0, 1, True
        while more:
            path = f"compare/{quote(base)}...{quote(head)}?per_page={_PAGE}&page={page}"
            found = self._get(path)
            yield from (each["sha"] for each in found["commits"])
            seen, page = seen + len(found["commits"]), page + 1
            more = bool(found["commits"]) and seen < found["total_commits"]

    def _succeeded(self, deployment: int) -> bool:
        """Whether it ever did: once another has, GitHub may call it inactive."""
        statuses = self._get(f"deployments/{deployment}/statuses?per_page={_PAGE}")
        return any(status["state"] == "success" for status in statuses)

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the URL is GitHub's own
            f"{self.api_url}/repos/{self.name}/{path}",
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            with error:
                said = error.read(300).decode(errors="replace")
            raise GitHubRefusedError(
                f"{request.full_url}: GitHub answers {error.code}: {said}; the job needs the "
                f"permissions contents: read and deployments: read"
            ) from error
