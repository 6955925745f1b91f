"""Documents that come from outside, spoiled: pipeline definitions, model archives."""

import contextlib
import gzip
import io
import json
import tarfile
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.localcloud.fuzz_bench import Complaints, FuzzBench
from tests.localcloud.fuzz_requests import mutate
from tests.localcloud.test_fuzz import SETTINGS, check
from tests.unit.local.jobs_support import ROLE
from tests.unit.pipeline.examples import scoring, training
from tests.unit.pipeline.strategies import ANY_JSON
from warmfold_local.engine.artifacts import ArtifactError, Limits, extract_model
from warmfold_local.errors import ServiceError
from warmfold_local.sagemaker.pipeline_checks import parse

DOCUMENTS = settings(
    SETTINGS, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PLATFORM = (training(), scoring())
LIMITS = Limits(total_bytes=1_000_000, members=50)


def spoiled(random: Random) -> dict[str, Any]:
    definition: dict[str, Any] = deepcopy(random.choice(PLATFORM))
    for _ in range(random.randint(1, 4)):
        definition = mutate(definition, random)
    return definition


def refusal(text: str) -> str | None:
    """The code with which a definition is refused, if it is."""
    try:
        parse(text)
    except ServiceError as error:
        return error.code
    return None


@DOCUMENTS
@given(random=st.randoms(use_true_random=True))
def test_a_spoiled_definition_is_read_or_refused(random: Random) -> None:
    text = json.dumps(spoiled(random))
    assert refusal(text) in (None, "ValidationException")


@DOCUMENTS
@given(document=ANY_JSON)
def test_any_json_is_read_as_a_definition_or_refused(document: Any) -> None:
    assert refusal(json.dumps(document)) in (None, "ValidationException")


@given(random=st.randoms(use_true_random=True))
@settings(SETTINGS, max_examples=8)
def test_a_spoiled_definition_that_is_taken_runs_to_an_end(tmp_path: Path, random: Random) -> None:
    with Complaints() as complaints:
        bench = FuzzBench(tmp_path / str(len(list(tmp_path.iterdir()))))
        try:
            for number in range(20):
                name = f"p{number}"
                request = {
                    "PipelineName": name,
                    "ClientRequestToken": "c" * 32 + name,
                    "RoleArn": ROLE,
                    "PipelineDefinition": json.dumps(spoiled(random)),
                }
                if check(bench, "CreatePipeline", json.dumps(request).encode()) == 200:
                    start = {"PipelineName": name, "ClientRequestToken": "d" * 32}
                    check(bench, "StartPipelineExecution", json.dumps(start).encode())
        finally:
            bench.end()
        assert bench.strays() == []
    assert complaints.texts == []


def packed(random: Random) -> bytes:
    """A tar whose members and headers are as bad as may be."""
    names = [
        "model.txt",
        "../up",
        "/abs",
        "a/b",
        "a",
        "",
        ".",
        "x\\y",
        "n" * 200,
        "ä\udcff",
        "a/../b",
    ]
    kinds = [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", errors="surrogateescape") as archive:
        for _ in range(random.randint(0, 6)):
            member = tarfile.TarInfo(random.choice(names))
            member.type = random.choice(kinds[:1] * 4 + kinds)
            member.linkname = random.choice(["../../etc", "/etc/passwd", "model.txt"])
            content = random.randbytes(random.choice([0, 10, 2000]))
            member.size = len(content) if member.type == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def flipped(data: bytes, random: Random, most: int) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(0, most)):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[: random.choice([len(changed), random.randrange(len(changed) + 1)])])


@DOCUMENTS
@given(random=st.randoms(use_true_random=True))
def test_a_spoiled_archive_is_unpacked_or_refused_and_stays_inside(
    tmp_path: Path, random: Random
) -> None:
    inner = flipped(packed(random), random, random.choice([0, 3]))
    root = tmp_path / str(len(list(tmp_path.iterdir())))
    (root / "in").mkdir(parents=True)
    path = root / "in" / "model.tar.gz"
    path.write_bytes(flipped(gzip.compress(inner, mtime=0), random, random.choice([0, 2])))
    with contextlib.suppress(ArtifactError):
        extract_model(path, root / "out" / "model", LIMITS)
    assert {p.name for p in root.iterdir()} <= {"in", "out"}
    assert {p.name for p in root.glob("out/*")} <= {"model"}
    assert not any(p.is_symlink() for p in root.rglob("*"))
