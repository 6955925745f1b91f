"""Every environment is synthesized once, in one process, for all tests of this folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# Read by the CDK's Node.js process, which starts with the first construct. The built-in template
# validator takes most of a synth's time; cfn-lint does its work in `make check`.
os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20,21,23"

from config.load import load_settings
from config.settings import Settings
from tests.unit.example_model import with_the_example_only
from tests.unit.infrastructure.access import Access, access
from tests.unit.infrastructure.assembly import Assembly, synthesize


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Assembly]:
    """The synthesized environment of a name, with the example as its only model."""
    folder: Path = tmp_path_factory.mktemp("cdk.out")
    made: dict[str, Assembly] = {}

    def get(environment: str) -> Assembly:
        if environment not in made:
            settings = with_the_example_only(load_settings(environment))
            made[environment] = synthesize(settings, folder / environment)
        return made[environment]

    return get


@pytest.fixture(scope="session")
def local(assembly: Callable[[str], Assembly]) -> Assembly:
    return assembly("local")


@pytest.fixture(scope="session")
def prod(assembly: Callable[[str], Assembly]) -> Assembly:
    return assembly("prod")


@pytest.fixture(scope="session")
def prod_settings() -> Settings:
    """What ``prod`` is synthesized from."""
    return with_the_example_only(load_settings("prod"))


@pytest.fixture(scope="session")
def prod_access(prod: Assembly, prod_settings: Settings) -> Access:
    """What the roles of ``prod`` may do."""
    return access(prod, prod_settings)
