"""`warmfold ci`: what a workflow has to know before it can sign in to an environment's account."""

import argparse

from config.load import ENVIRONMENTS, environments, load_settings
from config.names import Names
from warmfold.errors import WarmfoldError


class NotThisRepositoryError(WarmfoldError):
    """A workflow of a repository that the environment lets in no role."""


def add_ci(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ci = commands.add_parser("ci", help="print the region and roles that a workflow signs in with")
    ci.add_argument("--env", choices=environments(), required=True)
    ci.add_argument(
        "--repository", required=True, metavar="OWNER/NAME", help="where the workflow runs"
    )
    ci.set_defaults(command=print_ci)


def print_ci(options: argparse.Namespace) -> None:
    """Lines of ``name=value``, as GitHub Actions reads a step's outputs.

    Raises ``NotThisRepositoryError`` if the environment expects another repository, or none.
    """
    # 100 ms that no other command has to pay for.
    from botocore.session import Session

    settings = load_settings(options.env)
    if settings.ci.repository != options.repository:
        raise NotThisRepositoryError(
            f"{ENVIRONMENTS / options.env}.toml: ci.repository is {settings.ci.repository!r}, and "
            f"this is {options.repository!r}: write it there, and deploy the stack "
            f"{Names(options.env).ci_stack} by hand once"
        )
    environment, names = settings.environment, Names(options.env)
    partition = Session().get_partition_for_region(environment.region)
    role = f"arn:{partition}:iam::{environment.account}:role"
    print(f"account={environment.account}")
    print(f"region={environment.region}")
    print(f"deploy-role={role}/{names.ci_deploy_role}")
    print(f"diff-role={role}/{names.ci_diff_role}")
