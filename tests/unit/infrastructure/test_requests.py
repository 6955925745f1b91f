"""What a synth's time goes with, counted: each request crosses to the CDK's process and back."""

from collections import Counter
from pathlib import Path
from typing import Any

import jsii
import pytest
from aws_cdk import App

from config.load import load_settings
from stacks.platform import add_stacks, feature_flags

# 1,107 when this was written, for 107 resources and 141 policy statements.
MOST_REQUESTS = 1_250


def test_an_environment_is_described_in_few_requests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    requests: Counter[str] = Counter()
    provider = jsii.kernel.provider
    for name in ("create", "get", "invoke", "set", "sget", "sinvoke"):
        monkeypatch.setattr(provider, name, counted(requests, getattr(provider, name)))
    app = App(context=feature_flags(), outdir=str(tmp_path), analytics_reporting=False)
    add_stacks(app, load_settings("dev"))
    assert requests["CreateRequest"] > 100
    assert requests.total() < MOST_REQUESTS, requests


def counted(requests: Counter[str], call: Any) -> Any:
    def counting(request: Any) -> Any:
        requests[type(request).__name__] += 1
        return call(request)

    return counting
