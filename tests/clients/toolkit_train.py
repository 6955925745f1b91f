"""A user's script for AWS's training toolkit, which tells it all by arguments and SM_ variables."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float)  # one letter: the toolkit passes it so
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
arguments = parser.parse_args()
if arguments.x < 0:
    raise ValueError("x must not be negative")
seen = {
    "x": arguments.x,
    "rows": sorted(path.name for path in Path(arguments.train).iterdir()),
    "hosts": json.loads(os.environ["SM_HOSTS"]),
    "job": json.loads(os.environ["SM_TRAINING_ENV"])["job_name"],
}
Path(arguments.model_dir, "model.json").write_text(json.dumps(seen), encoding="utf-8")
print(f"validation:score={arguments.x};")  # noqa: T201 - what the job's metrics are read from
