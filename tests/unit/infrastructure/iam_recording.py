"""What the roles of the platform were asked for in one run on the local cloud.

    .venv/bin/python -m tests.unit.infrastructure.iam_recording

runs the demo, a second promotion on top of it, and the reconcile schedule, and writes
``iam_recording.json``: names of environment, account and region become ``{…}``, and what
CloudFormation names ``<stack/logical id>``, so that any environment's policies can be asked.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from config.load import REPOSITORY
from config.settings import Settings
from tests.unit.infrastructure.iam_templates import ARNS, NAMES
from warmfold_local import launcher
from warmfold_local.access.asks import Ask
from warmfold_local.access.client import usage
from warmfold_local.cloud import Settings as CloudSettings

PATH = Path(__file__).with_name("iam_recording.json")

_MODEL = "german-credit"
_DATA = REPOSITORY / "examples" / "german_credit" / "data" / "german_credit.csv"
# Of one role and action, calls that one statement allowed: the rest differs in names only.
_KEPT = 5
_RECONCILED_SECONDS = 150.0
# The roles of clean-ups: production, whose policies are asked, has none (`test_clean_up`).
_CLEANS_UP = "/CleanUpFunction"
# A function that was invoked last makes its calls.
_HANDLED_SECONDS = 10.0


@dataclass(frozen=True)
class Call:
    """One recorded call that was allowed. ``role`` by name; a service by its principal."""

    role: str
    ask: Ask

    @property
    def is_service(self) -> bool:
        return self.role.endswith(".amazonaws.com")


def calls(settings: Settings) -> list[Call]:
    """The recording, in the words of an environment."""
    environment = settings.environment
    words = {
        "{prefix}": f"warmfold-{settings.name}",
        "{Prefix}": f"Warmfold{settings.name.capitalize()}",
        "{environment}": settings.name,
        "{account}": environment.account,
        "{region}": environment.region,
    }
    text = PATH.read_text(encoding="utf-8")
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return [
        Call(
            record["role"],
            Ask(
                action=record["action"],
                resource=record["resource"],
                context={k: _value(v) for k, v in record["context"].items()},
            ),
        )
        for record in json.loads(text)
    ]


def recorded_calls() -> set[tuple[str, str]]:
    """Role and action of every recorded call."""
    found = json.loads(PATH.read_text(encoding="utf-8"))
    return {(record["role"], record["action"]) for record in found}


def live_calls(settings: CloudSettings) -> tuple[set[tuple[str, str]], list[str]]:
    """The same of a running cloud, in the recording's words; and what its roles were refused."""
    found = usage(settings)
    placed = _placed(found, _names(settings))
    refused = [
        f"{record['Role']}: {record['Action']} on {call['Resource']}"
        for record in found["calls"]
        for call in record["Calls"]
        if not call["Allowed"]
    ]
    return {(record["role"], record["action"]) for record in placed}, refused


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="warmfold-recording-") as folder:
        state_dir = Path(folder) / "state"
        try:
            PATH.write_text(_text(_recorded(state_dir)), encoding="utf-8")
        finally:
            launcher.stop(state_dir)


def _recorded(state_dir: Path) -> list[dict[str, Any]]:
    _warmfold(state_dir, "demo", "--keep", "--report", str(state_dir.parent / "report.html"))
    instance = launcher.running(state_dir)
    if instance is None:
        raise RuntimeError("the demo's local cloud is gone")
    _warmfold(state_dir, "run", "--model", _MODEL, "--data", str(_DATA))
    _warmfold(state_dir, "approve", "--model", _MODEL)
    _reconcile(instance.settings)
    found = usage(instance.settings)
    return list(_placed(found, _names(instance.settings)))


def _warmfold(state_dir: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "warmfold.cli", "--state-dir", str(state_dir), *arguments]
    subprocess.run(command, cwd=REPOSITORY, check=True)


def _client(settings: CloudSettings, service: str) -> Any:
    session: Any = boto3.Session(
        aws_access_key_id=settings.account,
        aws_secret_access_key=settings.secret,
        region_name=settings.region,
    )
    return session.client(service, endpoint_url=settings.endpoint_url)


def _reconcile(settings: CloudSettings) -> None:
    """Let the scheduled rules fire now, not in a quarter of an hour: each has its own function."""
    events = _client(settings, "events")
    scheduled = [rule for rule in events.list_rules()["Rules"] if "ScheduleExpression" in rule]
    for rule in scheduled:
        events.put_rule(Name=rule["Name"], ScheduleExpression="rate(1 minute)")
    deadline = time.monotonic() + _RECONCILED_SECONDS
    while time.monotonic() < deadline:
        invoked = {
            call["Resource"]
            for record in usage(settings)["calls"]
            if record["Role"] == "events.amazonaws.com" and "lambda" in record["Action"]
            for call in record["Calls"]
        }
        if len(invoked) >= len(scheduled):
            time.sleep(_HANDLED_SECONDS)
            return
        time.sleep(1)
    raise RuntimeError("not every scheduled rule fired")


def _names(settings: CloudSettings) -> dict[str, str]:
    """What CloudFormation named, by physical name; the longest first."""
    cloudformation = _client(settings, "cloudformation")
    found = {}
    for stack in cloudformation.describe_stacks()["Stacks"]:
        name = stack["StackName"]
        if not name.startswith("warmfold-local-"):
            continue
        template = cloudformation.get_template(StackName=name)["TemplateBody"]
        template = json.loads(template) if isinstance(template, str) else template
        for resource in cloudformation.list_stack_resources(StackName=name)[
            "StackResourceSummaries"
        ]:
            id, kind = resource["LogicalResourceId"], resource["ResourceType"]
            given = template["Resources"][id].get("Properties", {})
            if kind not in ARNS or NAMES.get(kind, "") in given:
                continue
            physical = resource["PhysicalResourceId"].rpartition("/")[2]
            if kind == "AWS::Logs::LogGroup":
                physical = resource["PhysicalResourceId"]
            found[physical] = f"<{name.removeprefix('warmfold-local-')}/{id}>"
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def _placed(found: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The allowed calls of the platform's own roles, and of services that its resources let in."""
    kept: dict[tuple[str, str, str], int] = {}
    for record in found["calls"]:
        role = _general(record["Role"], names)
        if not role.startswith(("<", "{prefix}")) and not role.endswith(
            (".amazonaws.com", "deploy-role-{account}-{region}")
        ):
            continue
        if _CLEANS_UP in role:
            continue
        for call in record["Calls"]:
            if role.startswith("cdk-") and not call["Statement"].startswith("ServingDeployment"):
                continue  # the bootstrap's own permissions
            key = (role, record["Action"], call["Statement"])
            kept[key] = kept.get(key, 0) + 1
            if call["Allowed"] and kept[key] <= _KEPT:
                yield {
                    "role": role,
                    "action": record["Action"],
                    "resource": _general(call["Resource"], names),
                    "context": json.loads(_general(json.dumps(call["Context"]), names)),
                }


def _general(text: str, names: Mapping[str, str]) -> str:
    for physical, placeholder in names.items():
        text = text.replace(physical, placeholder)
    words = {
        "warmfold-local": "{prefix}",
        "WarmfoldLocal": "{Prefix}",
        launcher.ACCOUNT: "{account}",
        launcher.REGION: "{region}",
    }
    for word, placeholder in words.items():
        text = text.replace(word, placeholder)
    return text


def _text(records: list[dict[str, Any]]) -> str:
    ordered = sorted(records, key=lambda r: (r["role"], r["action"], r["resource"]))
    lines = [json.dumps(record, sort_keys=True) for record in ordered]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    main()
