"""The one port, attacked: nothing is reached without this instance's signature."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import RunningCloud, make_client

pytestmark = pytest.mark.localcloud


def ask(
    cloud: RunningCloud, method: str, path: str, body: bytes | None = None, **headers: Any
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.settings.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def refusal(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", "/"),
        ("GET", "/some-bucket/some-key"),
        ("POST", "/"),
        ("OPTIONS", "/"),
        ("GET", "/health"),
        ("GET", "/_ministack/health"),
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/lambda-code/any"),
        ("GET", "/_localstack/health"),
        ("PUT", "/_ministack/cfn-signal/0000"),
        ("POST", "/2015-03-31/functions/any/invocations"),
        ("POST", "/endpoints/any/invocations"),
    ],
)
def test_an_unsigned_request_reaches_nothing(cloud: RunningCloud, method: str, path: str) -> None:
    status, body = ask(cloud, method, path)
    assert status == 403
    assert "MissingAuthenticationToken" in body


@pytest.mark.parametrize("target", ["SageMaker.ListModels", "AmazonSSM.DescribeParameters"])
def test_an_unsigned_api_call_is_refused(cloud: RunningCloud, target: str) -> None:
    assert ask(cloud, "POST", "/", b"{}", **{"X-Amz-Target": target})[0] == 403


@pytest.mark.parametrize("service", ["sts", "s3", "sagemaker", "lambda", "cloudformation"])
def test_a_wrong_secret_is_refused_in_the_services_own_format(
    cloud: RunningCloud, service: str
) -> None:
    client = make_client(cloud.settings, service, aws_secret_access_key="guess")
    calls = {
        "sts": "get_caller_identity",
        "s3": "list_buckets",
        "sagemaker": "list_models",
        "lambda": "list_functions",
        "cloudformation": "describe_stacks",
    }
    assert refusal(getattr(client, calls[service])) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "key", ["test", "111111111111", "AKIAIOSFODNN7EXAMPLE", "ASIAAAAAAAAAAAAA"]
)
def test_an_unknown_access_key_is_refused(cloud: RunningCloud, key: str) -> None:
    client = make_client(cloud.settings, "sts", aws_access_key_id=key)
    assert refusal(client.get_caller_identity) == "InvalidClientTokenId"


def test_a_session_token_does_not_go_with_the_permanent_key(cloud: RunningCloud) -> None:
    client = make_client(cloud.settings, "sts", aws_session_token="anything")
    assert refusal(client.get_caller_identity) == "InvalidClientTokenId"


def test_another_region_is_refused(cloud: RunningCloud) -> None:
    client = make_client(cloud.settings, "sqs", region_name="eu-west-1")
    assert refusal(client.list_queues) == "SignatureDoesNotMatch"


def test_a_service_that_is_not_offered_says_so(cloud: RunningCloud) -> None:
    assert refusal(cloud.client("dynamodb").list_tables) == "UnsupportedOperation"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"]
)
def test_a_foreign_host_header_is_refused(cloud: RunningCloud, host: str) -> None:
    status, _ = ask(cloud, "GET", "/_warmfold/health", Host=host.format(port=cloud.settings.port))
    assert status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost"])
def test_a_request_of_a_web_page_is_refused(cloud: RunningCloud, origin: str) -> None:
    assert ask(cloud, "GET", "/_warmfold/health", Origin=origin)[0] == 403


def test_health_tells_only_that_the_server_is_there(cloud: RunningCloud) -> None:
    status, body = ask(cloud, "GET", "/_warmfold/health")
    assert (status, json.loads(body)) == (200, {"status": "ok", "pid": cloud.instance.pid})


def test_two_host_headers_are_refused(cloud: RunningCloud) -> None:
    port = cloud.settings.port
    text = f"GET /_warmfold/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text.encode())
        assert connection.recv(100).split(b" ")[1] in (b"400", b"403")


def test_a_web_socket_is_refused(cloud: RunningCloud) -> None:
    headers: dict[str, Any] = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert ask(cloud, "GET", "/", **headers)[0] == 403


def test_an_enormous_body_is_refused_before_it_is_sent(cloud: RunningCloud) -> None:
    port = cloud.settings.port
    text = f"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 999999999999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text.encode())
        assert b" 413 " in connection.recv(100)


def test_an_answer_to_cloudformation_needs_no_signature_and_reaches_nothing_else(
    cloud: RunningCloud,
) -> None:
    path = "/_ministack/cfn-response/00000000-0000-4000-8000-000000000000"
    assert ask(cloud, "PUT", path, b"{}")[0] == 200
    assert ask(cloud, "POST", path, b"{}")[0] == 403
    assert ask(cloud, "PUT", f"{path}/../../reset", b"{}")[0] == 403


def test_a_signed_request_does_not_reach_the_emulators_own_pages(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    assert refusal(lambda: s3.get_object(Bucket="_ministack", Key="health")) == "AccessDenied"


def test_a_presigned_url_works_until_it_is_changed(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="a b/é+.txt", Body=b"content")
    s3.put_object(Bucket="presigned", Key="other", Body=b"secret")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "presigned", "Key": "a b/é+.txt"}, ExpiresIn=60
    ).removeprefix(cloud.settings.endpoint_url)
    assert ask(cloud, "GET", url) == (200, "content")
    other = "/presigned/other?" + url.partition("?")[2]
    assert ask(cloud, "GET", other)[0] == 403
    assert ask(cloud, "GET", url.replace("Expires=60", "Expires=600"))[0] == 403
    assert ask(cloud, "DELETE", url)[0] == 403


def test_assumed_roles_sign_with_their_own_secret_and_token(cloud: RunningCloud) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": cloud.settings.account},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = cloud.client("iam").create_role(
        RoleName="assumable", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    credentials = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    client = make_client(cloud.settings, "sts", **credentials)
    assert ":assumed-role/assumable/session" in client.get_caller_identity()["Arn"]
    forged = make_client(cloud.settings, "sts", **{**credentials, "aws_session_token": "x"})
    assert refusal(forged.get_caller_identity) == "InvalidClientTokenId"


def test_a_large_object_survives_a_multipart_upload(cloud: RunningCloud, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 4096 * 20)  # 20 MiB: parts of 8
    cloud.client("s3").create_bucket(Bucket="large")
    cloud.client("s3").upload_file(str(source), "large", "key")
    cloud.client("s3").download_file("large", "key", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_no_other_address_of_this_machine_answers(cloud: RunningCloud) -> None:
    for address in ("127.0.0.2", "::1", socket.gethostbyname(socket.gethostname())):
        if address != "127.0.0.1":
            with pytest.raises(OSError):
                socket.create_connection((address, cloud.settings.port), timeout=2).close()


def test_the_server_has_one_listening_socket(cloud: RunningCloud) -> None:
    """Read from the kernel's tables, where there are any (Linux)."""
    process = Path("/proc") / str(cloud.instance.pid)
    links = [str(link.readlink()) for link in process.glob("fd/*") if link.is_symlink()]
    inodes = {link.removeprefix("socket:[").rstrip("]") for link in links}
    listening = [
        row[1]
        for table in ("tcp", "tcp6", "udp", "udp6")
        for row in _rows(process / "net" / table)
        if row[9] in inodes and row[3] in ("0A", "07")  # TCP LISTEN, UDP open
    ]
    expected = [f"0100007F:{cloud.settings.port:04X}"]  # 127.0.0.1, little-endian
    assert listening == (expected if process.exists() else [])


def _rows(table: Path) -> list[list[str]]:
    return [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []
