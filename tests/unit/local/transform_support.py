"""Transform jobs against a tiny model server."""

import json
from typing import Any

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench
from warmfold_local.sagemaker import models

# Scores {"x": n} with 2n, a line each; refuses a record without a number, as the contract says.
SERVER = """
import http.server, json, os, pathlib, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        parameters = os.environ.get("PARAMETERS")
        if self.path == "/execution-parameters" and parameters:
            self.answer(200, parameters.encode())
        else:
            self.answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print("request", len(body.splitlines()), self.headers["Content-Type"], flush=True)
        try:
            if self.headers["Content-Type"] == "text/csv":
                scores = [str(2 * float(line.split(",")[0])) for line in body.splitlines()]
            else:
                values = [float(json.loads(line)["x"]) for line in body.splitlines()]
                scores = [json.dumps({"score": 2 * value}) for value in values]
        except (ValueError, KeyError, TypeError):
            self.answer(400, b"bad")
            return
        self.answer(200, ("\\n".join(scores) + "\\n").encode())

    def log_message(self, *_):
        pass

seen = {key: value for key, value in os.environ.items() if "SAGEMAKER" in key}
print("environment", json.dumps(seen), flush=True)
assert sys.argv[1:] == ["serve"]
address = (os.environ["WARMFOLD_BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


def create(bench: Bench, code: str = SERVER, **members: Any) -> None:
    """A model and a transform job ``job`` over ``in/``; ``members`` replace the job's own."""
    assert models.KIND == "Model"
    environment = members.pop("ModelEnvironment", {})
    container = {"Image": bench.image(code), "Environment": environment}
    bench.call("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}}
    request: dict[str, Any] = {
        "TransformJobName": "job",
        "ModelName": "m",
        "TransformInput": {
            "DataSource": source,
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{BUCKET}/out",
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    for key, value in members.items():
        request[key] = {**request.get(key, {}), **value} if isinstance(value, dict) else value
    bench.call("CreateTransformJob", **request)


def ended(bench: Bench) -> dict[str, Any]:
    def describe() -> dict[str, Any]:
        return bench.call("DescribeTransformJob", TransformJobName="job")

    bench.wait(lambda: "TransformEndTime" in describe())
    return describe()


def lines_of(bench: Bench, key: str) -> list[Any]:
    return [json.loads(line) for line in bench.get(key).decode().splitlines()]


def outputs(bench: Bench) -> list[str]:
    return sorted(key for _, key in bench.s3.objects if key.startswith("out/"))
