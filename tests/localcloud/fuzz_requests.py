"""Requests as nobody would write them: drawn from botocore's shapes, then mutated."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from tests.localcloud.fuzz_bench import EXECUTION_ID, NAMES
from tests.localcloud.fuzz_templates import IMAGE, PIPELINE, TEMPLATES
from tests.unit.local.jobs_support import ROLE
from warmfold_shapes.constraints import service_model, violations

_ARN = "arn:aws:sagemaker:us-east-1:000000000000"
_CANDIDATES = (
    *NAMES,
    IMAGE,
    ROLE,
    "s3://artifacts/data/",
    "s3://artifacts/../../etc/",
    "/opt/ml/processing/input/raw",
    "/opt/ml/../../tmp/out",
    "text/csv",
    "score=([0-9.]+)",
    "(",
    "1",
    "0.5",
    "t" * 32,
    json.dumps(PIPELINE),
    f"{_ARN}:model-package/one/1",
    f"{_ARN}:training-job/one",
    f"{_ARN}:pipeline/one/execution/{EXECUTION_ID}",
    "[0]",
    "",
)
_NUMBERS = (0, 1, 2, 5, 30, 60, 600, 100_000, -1)
_JUNK: tuple[Any, ...] = (
    None,
    "",
    "x" * 5000,
    "../../../../tmp/escaped",
    "/etc/passwd",
    "\x00",
    "\ud800",
    "{}",
    -1,
    0,
    2**63,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    True,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"Get": "Steps.x.y"},
)
_OPTIONAL_SHARE = 0.25
_TEMPLATE_SHARE = 0.5
_DEPTH = 7


def request_for(operation: str, random: Random) -> Any:
    """Often valid: required members always, others sometimes, each value from a small pool."""
    shape = service_model("sagemaker").operation_model(operation).input_shape
    drawn = {} if shape is None else _value(shape, random, _DEPTH)
    if operation in TEMPLATES and random.random() < _TEMPLATE_SHARE:
        keep = {name: value for name, value in drawn.items() if random.random() < _OPTIONAL_SHARE}
        return keep | deepcopy(TEMPLATES[operation]) | {k: drawn[k] for k in drawn if "Name" in k}
    return drawn


def mutate(request: Any, random: Random) -> Any:
    """The request with one value replaced, removed or added."""
    places = list(_places(request))
    if not places:
        return {"Unknown": deepcopy(random.choice(_JUNK))}
    holder, key = random.choice(places)
    kind = random.randrange(4)
    if kind == 0 and isinstance(holder, dict):
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder["Unknown"] = deepcopy(holder[key])
    elif kind == 2 and isinstance(holder, list):
        holder.extend(deepcopy(holder[key]) for _ in range(3))
    else:
        holder[key] = deepcopy(random.choice(_JUNK))
    return request


def body_of(request: Any, random: Random) -> bytes:
    """Its JSON, now and then cut, with bytes changed, or nested beyond reason."""
    body = json.dumps(request).encode()
    spoil: list[Callable[[], bytes]] = [
        lambda: body[: random.randrange(len(body) + 1)],
        lambda: body.replace(b":", random.choice([b"", b"::", b"\xff", b":NaN"]), 1),
        lambda: b"[" * 50_000,
        lambda: b'{"A":' * 50_000,
        lambda: b"1" * 10_000,
        lambda: body.replace(b'"', b"'", 2),
        lambda: b"\xef\xbb\xbf" + body,
        lambda: body.decode().encode("utf-16"),
    ]
    return random.choice(spoil)() if random.random() < 0.1 else body


def _value(shape: Shape, random: Random, depth: int) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, random, depth)
    if isinstance(shape, ListShape):
        count = max(int(shape.metadata.get("min", 0)), random.choice((0, 1, 1, 2)))
        return [_value(shape.member, random, depth - 1) for _ in range(min(count, 3))]
    if isinstance(shape, MapShape):
        keys = [_value(shape.key, random, depth - 1) for _ in range(random.choice((0, 1, 2)))]
        return {str(key): _value(shape.value, random, depth - 1) for key in keys}
    return random.choice(_scalars(shape))


def _structure(shape: StructureShape, random: Random, depth: int) -> dict[str, Any]:
    share = _OPTIONAL_SHARE if depth > 0 else 0.0
    names = [
        name
        for name in shape.members
        if name in shape.required_members or (random.random() < share)
    ]
    if shape.is_tagged_union:
        names = [random.choice(list(shape.members))]
    return {name: _value(shape.members[name], random, depth - 1) for name in names}


@cache
def _scalars(shape: Shape) -> tuple[Any, ...]:
    if shape.type_name == "boolean":
        return (True, False)
    pool: tuple[Any, ...] = getattr(shape, "enum", None) or _CANDIDATES
    if shape.type_name in ("integer", "long", "float", "double", "timestamp"):
        pool = _NUMBERS
    fitting = tuple(value for value in pool if not any(violations(shape, value)))
    return fitting or ("unfitting",)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield value, key
            yield from _places(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield value, index
            yield from _places(item)
