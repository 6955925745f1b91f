"""What a job used is measured, kept out of its description, and written beside its log."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import Bench
from warmfold_local.engine import sandbox
from warmfold_local.engine.sandbox import Kind

MIB = 1024 * 1024


@pytest.mark.parametrize("kind", ["none", "unshare", "bubblewrap"])
def test_cpu_memory_and_disk_of_a_job_are_recorded(tmp_path: Path, kind: Kind) -> None:
    if not sandbox.usable(kind):
        pytest.skip(f"{kind} does not work on this machine")
    bench = Bench(tmp_path / "with spaces")
    code = f"""
        import os, subprocess, sys, time
        held = bytearray(80 * {MIB})
        with open(os.environ["SAGEMAKER_BASE_DIR"] + "/model/big", "wb") as f:
            f.write(os.urandom(3 * {MIB}))
        burn = "import time\\nwhile time.process_time() < 0.4: pass"
        subprocess.run([sys.executable, "-S", "-c", burn], check=True)
    """
    with sandbox.forced(kind):
        bench.train(bench.image(code))
        assert bench.ended_training()["TrainingJobStatus"] == "Completed"
    path = bench.cloud.settings.state_dir / "jobs" / "training" / "job" / "resources.json"
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    host = values["hosts"]["algo-1"]
    assert 0.4 <= host["cpu_seconds"] < 20
    assert values["cpu_seconds"] == host["cpu_seconds"]
    assert 80 * MIB < host["peak_memory_bytes"] < 400 * MIB
    assert 3 * MIB <= host["disk_bytes"] < 5 * MIB
    assert 0.4 <= host["wall_seconds"] < 60
    assert bench.cloud.table("Training job").get("job")["_resources"] == values
