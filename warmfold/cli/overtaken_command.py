"""`warmfold ci-overtaken`: a workflow's run that has been overtaken deploys nothing."""

import argparse
import os

from config.load import environments
from warmfold.errors import WarmfoldError
from warmfold.github import Repository


class OvertakenError(WarmfoldError):
    """A newer commit is deployed already."""


class NoTokenError(WarmfoldError):
    """There is nothing to ask GitHub with."""


def add_overtaken(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    overtaken = commands.add_parser(
        "ci-overtaken", help="fail if an environment has a newer commit already (for workflows)"
    )
    overtaken.add_argument("--env", choices=environments(), required=True)
    overtaken.add_argument("--repository", required=True, metavar="OWNER/NAME")
    overtaken.add_argument(
        "--commit", required=True, metavar="SHA", help="what is about to be deployed"
    )
    overtaken.add_argument("--branch", required=True, help="where it was pushed to")
    overtaken.set_defaults(command=refuse_overtaken)


def refuse_overtaken(options: argparse.Namespace) -> None:
    """Asks at ``GITHUB_API_URL`` with ``GH_TOKEN``, as workflows have them.

    Raises ``OvertakenError``, ``NoTokenError``, or ``GitHubError``.
    """
    token = os.environ.get("GH_TOKEN")
    if not token:
        raise NoTokenError("GH_TOKEN is not set: give the step ${{ github.token }} by that name")
    repository = Repository(
        api_url=os.environ.get("GITHUB_API_URL", "https://api.github.com"),
        name=options.repository,
        token=token,
    )
    newer = repository.newer_deployed(options.commit, options.branch, options.env)
    if newer is not None:
        raise OvertakenError(
            f"{options.env} has had {newer} deployed, a commit of {options.branch} that "
            f"{options.commit} does not have: this run was overtaken, and ends here. To go back to "
            f"what it has, revert on {options.branch}"
        )
    print(f"{options.env} has nothing newer than {options.commit}")
