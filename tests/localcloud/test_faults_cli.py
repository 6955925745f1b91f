"""``warmfold local faults``: set, listed and cleared from the command line."""

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import RunningCloud
from warmfold.cli.main import run
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud


def said(
    cloud: RunningCloud, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str]:
    code = run(["--state-dir", str(cloud.settings.state_dir), "local", "faults", *arguments])
    written = capsys.readouterr()
    return code, written.out + written.err


def test_a_fault_is_added_fires_is_listed_and_cleared(
    cloud: RunningCloud, faults: FaultsClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(cloud, capsys, "list") == (0, "no faults are set\n")
    code, identifier = said(cloud, capsys, "add", "throttle", "ListM*", "times=2", "seed=7")
    assert code == 0
    with pytest.raises(ClientError, match="Rate exceeded"):
        cloud.client("sagemaker").list_models()
    code, listed = said(cloud, capsys, "list")
    name = identifier.strip()
    assert f"{name}: throttle ListM* times=2 seed=7 (fired 1 times)\n" in listed
    assert f"{name} throttle on ListModels\n" in listed
    assert said(cloud, capsys, "clear", name) == (0, "cleared 1\n")
    assert faults.listed()["faults"] == []
    cloud.client("sagemaker").list_models()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("add", "throttle", "List*", "times"), "'times' is not NAME=VALUE"),
        (("add", "throttle", "List*", "times=0"), "times of a fault must be a whole number"),
        (("add", "event", "*", "how=sometimes"), "one of lost, duplicate, late, not 'sometimes'"),
        (("clear", "fault-0"), "no fault fault-0 is set"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    cloud: RunningCloud,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    code, written = said(cloud, capsys, *arguments)
    assert code == 2
    assert words in written
    assert "Traceback" not in written
