"""Running the CDK: its environment, its log, its end."""

import os
import time
from pathlib import Path

import pytest

from warmfold.demo.cdk import Cdk, cdk_environment
from warmfold.errors import RunFailedError
from warmfold_local.cloud import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        account="000000000000",
        region="us-east-1",
        port=4599,
        secret="secret",
        state_dir=tmp_path / "state",
        images_dir=tmp_path / "images",
    )


def fake_cdk(root: Path, script: str) -> None:
    """A command that node runs in the place of the CDK."""
    path = root / "node_modules" / "aws-cdk" / "bin" / "cdk"
    path.parent.mkdir(parents=True)
    path.write_text(script, encoding="utf-8")


def cdk(root: Path) -> Cdk:
    environment = {"PATH": os.environ["PATH"]}
    return Cdk(root=root, state_dir=root / "state", environment=environment)


def test_nothing_of_the_users_own_aws_reaches_the_cdk(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    environment = cdk_environment(settings, tmp_path)
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY"} & set(environment)
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4599"
    assert environment["HOME"].startswith(str(settings.state_dir))


def test_deployed_stacks_are_listed_in_order_and_everything_is_logged(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    fake_cdk(
        folder,
        "console.log('args ' + process.argv.slice(2).join(' '));"
        "console.log('✅  one'); console.log(' ✅  two (no changes)'); console.error('hint');",
    )
    lines: list[str] = []
    assert cdk(folder).deploy(lines.append) == ["one", "two"]
    log = (folder / "state" / "cdk.log").read_text(encoding="utf-8")
    assert "args deploy --all --require-approval never" in log
    assert "-c env=local" in log
    assert "hint" in log
    assert "hint" in lines


def test_what_was_synthesized_is_removed_and_the_log_is_not(tmp_path: Path) -> None:
    fake_cdk(
        tmp_path,
        "const o = process.argv[process.argv.indexOf('--output') + 1];"
        "require('fs').mkdirSync(o); console.log(o);",
    )
    made: list[str] = []
    cdk(tmp_path).deploy(made.append)
    assert Path(made[0]).is_dir()
    cdk(tmp_path).remove_output()
    assert not list((tmp_path / "state").glob("cdk.out*"))
    assert (tmp_path / "state" / "cdk.log").is_file()


def test_a_failure_has_the_end_of_the_output_and_the_log(tmp_path: Path) -> None:
    fake_cdk(tmp_path, "console.log('before'); console.error('stack broke'); process.exit(1);")
    with pytest.raises(RunFailedError, match="stack broke") as raised:
        cdk(tmp_path).bootstrap("000000000000", "us-east-1", lambda _: None)
    assert raised.value.step == "cdk bootstrap"
    assert raised.value.log == tmp_path / "state" / "cdk.log"


def test_an_interrupted_cdk_takes_its_children_with_it(tmp_path: Path) -> None:
    fake_cdk(
        tmp_path,
        "const child = require('child_process').spawn('sleep', ['300']);"
        "console.log('child ' + child.pid);",
    )
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line.split()[1]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cdk(tmp_path).deploy(interrupt)
    deadline = time.monotonic() + 10
    while alive(pids[0]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pids[0])


def test_a_cdk_that_outlives_its_starter_is_on_record(tmp_path: Path) -> None:
    fake_cdk(tmp_path, "console.log('running');")
    seen: list[int] = []
    records = tmp_path / "state" / "children"
    cdk(tmp_path).deploy(lambda _: seen.extend(int(path.stem) for path in records.glob("*.json")))
    assert len(seen) == 1
    assert not list(records.iterdir())


def alive(pid: int) -> bool:
    """Running, and not merely waiting for its parent to ask how it ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rsplit(")", 1)[1].split()[0] != "Z"
