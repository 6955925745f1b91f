"""The port itself under junk: malformed HTTP, headers, signatures, presigned queries, bodies."""

import http.client
import json
import socket
from random import Random
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.localcloud.fuzz_bench import OPERATIONS
from tests.localcloud.fuzz_requests import body_of, request_for

pytestmark = pytest.mark.localcloud

FRONT = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PATHS = ("/", "/bucket/key", "/endpoints/x/invocations", "/_warmfold/health", "/%00", "/../..", "*")
HEADERS = (
    "Authorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=;, Signature=",
    "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/s3/aws4_request",
    "Authorization: Basic YTpi",
    "Authorization:",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: x",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "X-Amz-Target: SageMaker.ListModels",
    "X-Amz-Date: never",
    "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "Expect: 100-continue",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "X: " + "y" * 5000,
    "\x00: \x01",
    "no colon",
)
QUERIES = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature")
SECONDS = 10.0


def alive(cloud: RunningCloud) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.settings.port, timeout=SECONDS)
    try:
        connection.request("GET", "/_warmfold/health")
        return connection.getresponse().status == 200
    finally:
        connection.close()


def answer_to(cloud: RunningCloud, data: bytes) -> bytes:
    """The first bytes of what comes back, if anything: a request that announces more than it
    sends is waited for, and the server may wait longer than this test."""
    with socket.create_connection(("127.0.0.1", cloud.settings.port), timeout=2) as stream:
        try:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            return stream.recv(4096)
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            return b""


def junk(random: Random, port: int) -> bytes:
    method = random.choice(["GET", "POST", "PUT", "PRI", "", "G\x00T", "DELETE"])
    path = random.choice(PATHS)
    if random.random() < 0.4:
        values = {name: random.choice(["", "x", "\x00", "0", "é", "AWS4-HMAC"]) for name in QUERIES}
        path += "?" + urlencode(values)
    lines = [f"{method} {path} {random.choice(['HTTP/1.1', 'HTTP/2.0', 'HTTP/9', ''])}"]
    lines += [f"Host: 127.0.0.1:{port}"] * random.choice([1, 1, 1, 1, 0, 2])
    lines += random.sample(HEADERS, random.randrange(4))
    data = "\r\n".join([*lines, "", ""]).encode("utf-8") + random.randbytes(random.randrange(20))
    return data if random.random() < 0.8 else data[: random.randrange(len(data))]


@FRONT
@given(random=st.randoms(use_true_random=True))
def test_malformed_http_is_refused_and_never_an_error_of_ours(
    cloud: RunningCloud, random: Random
) -> None:
    for _ in range(5):
        data = junk(random, cloud.settings.port)
        status = answer_to(cloud, data).partition(b" ")[2][:3]
        assert status in (b"", b"100", b"200", b"501") or status.startswith(b"4"), (data, status)
    assert alive(cloud)


@settings(FRONT, max_examples=15)
@given(random=st.randoms(use_true_random=True))
def test_a_signed_request_is_answered_whatever_it_holds(
    cloud: RunningCloud, random: Random
) -> None:
    """Looking only: what is created here would be in the way of other tests."""
    looking = [name for name in OPERATIONS if name.startswith(("List", "Describe"))]
    for _ in range(10):
        operation = random.choice(looking)
        body = body_of(request_for(operation, random), random)
        status, answer = signed(cloud, operation, body)
        assert status < 500 or b"UnsupportedOperation" in answer, (operation, body[:500], answer)


def signed(cloud: RunningCloud, operation: str, body: bytes) -> tuple[int, bytes]:
    config = cloud.settings
    headers = {"X-Amz-Target": f"SageMaker.{operation}", "Host": f"127.0.0.1:{config.port}"}
    request = AWSRequest("POST", f"{config.endpoint_url}/", headers, body)
    credentials = Credentials(config.account, config.secret)
    SigV4Auth(credentials, "sagemaker", config.region).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", config.port, timeout=SECONDS)
    try:
        connection.request("POST", "/", body=body, headers=dict(request.headers.items()))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def endpoint(cloud: RunningCloud) -> str:
    sagemaker, name = cloud.client("sagemaker"), "fuzzed"
    sagemaker.create_model(
        ModelName=name, PrimaryContainer={"Image": cloud.tiny_server()}, ExecutionRoleArn=ROLE
    )
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    wait_for(
        lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService",
        "the endpoint serves",
    )
    return name


@FRONT
@given(
    body=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode())
    | st.lists(st.lists(st.text(max_size=5)), max_size=5).map(
        lambda rows: json.dumps(rows).encode()
    )
    | st.lists(st.floats(), max_size=9).map(lambda row: ",".join(map(str, row)).encode()),
    content_type=st.sampled_from(["text/csv", "application/json", "x", "application/jsonlines"]),
)
def test_any_body_is_handed_to_the_container_or_is_a_model_error(
    cloud: RunningCloud, endpoint: str, body: bytes, content_type: str
) -> None:
    runtime = cloud.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType=content_type
        )["Body"].read()
    except ClientError as error:
        answer = json.dumps({"code": error.response["Error"]["Code"]})
    found = json.loads(answer)
    assert found.get("code", "ModelError") == "ModelError"
    assert "code" in found or found["body"].encode() == body
