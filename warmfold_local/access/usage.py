"""``GET /_warmfold/iam``: what every role was allowed, was asked for, and was refused."""

import json

from warmfold_local.access.client import PATH as PATH
from warmfold_local.access.gate import Gate
from warmfold_local.access.recorder import KIND
from warmfold_local.auth import HttpRequest
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError

Answer = tuple[int, dict[str, str], bytes]


def administer(cloud: Cloud, request: HttpRequest) -> Answer:
    """Roles with their policies, and every call that was recorded."""
    if request.method != "GET":
        raise ServiceError("MethodNotAllowed", "the use of permissions is only read", 405)
    access = cloud.access
    roles = access.policies() if isinstance(access, Gate) else {}
    with cloud.lock:
        calls = [dict(record) for record in cloud.table(KIND)]
    body = json.dumps({"roles": roles, "calls": calls}).encode()
    return 200, {"Content-Type": "application/json"}, body
