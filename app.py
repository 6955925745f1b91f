"""The CDK app: `cdk deploy -c env=prod --all`; without a choice, the local environment."""

# ruff: noqa: E402
import gc
import os
import sys

# A synth keeps what it makes and ends soon after: a search for garbage finds next to nothing, and
# takes longest while the CDK's large modules are imported, so it is turned off before that.
gc.disable()

from stacks.node_options import node_options

os.environ["NODE_OPTIONS"] = node_options(os.environ.get("NODE_OPTIONS", ""))

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from config.errors import ConfigError, UnknownEnvironmentError
from config.load import load_settings
from config.names import LOCAL
from stacks.platform import add_stacks, feature_flags
from warmfold.errors import WarmfoldError


def main() -> None:
    """Synthesize one environment; a mistake in its configuration ends with exit code 1."""
    app = App(
        context=feature_flags(),
        outdir=os.environ.get("CDK_OUTDIR", "cdk.out"),
        analytics_reporting=False,
    )
    environment = app.node.try_get_context("env")
    try:
        add_stacks(app, load_settings(LOCAL if environment is None else str(environment)))
    except UnknownEnvironmentError as error:
        sys.exit(f"warmfold: {error}, for example `-c env={error.example}`")
    except (ConfigError, WarmfoldError) as error:
        sys.exit(f"warmfold: {error}")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    app.synth()


if __name__ == "__main__":
    main()
