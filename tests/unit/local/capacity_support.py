"""The limits of a local cloud, and requests that run into them."""

import json
from pathlib import Path
from typing import Any

from tests.unit.local.jobs_support import Bench, training_request
from warmfold_local.sagemaker import capacity
from warmfold_local.sagemaker.protocol import handle

TYPE = "ml.m5.large"
WAIT = "import time; time.sleep(60)"
POOLS = {f"{TYPE} for training warm pool usage": 4}


def limit(bench: Bench, quotas: dict[str, int] | None = None, **values: Any) -> Path:
    """Write the cloud's limits, pools among them."""
    path = bench.cloud.settings.state_dir / capacity.LIMITS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"quotas": POOLS if quotas is None else quotas, **values}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def kept(seconds: int = 600, **members: Any) -> dict[str, Any]:
    own = training_request("", "")["ResourceConfig"]
    return {"ResourceConfig": {**own, "KeepAlivePeriodInSeconds": seconds, **members}}


def over_the_wire(bench: Bench, operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps(request).encode()
    status, _, answer = handle(bench.cloud, f"SageMaker.{operation}", body)
    return status, json.loads(answer)
