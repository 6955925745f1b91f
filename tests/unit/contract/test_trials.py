"""The trials of a search, from its job to the report."""

import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_contract.trials import (
    MAX_ARCHIVE_BYTES,
    MAX_UNPACKED_BYTES,
    SearchedTrials,
    TrialRow,
    read_trials,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.builds(
    TrialRow,
    name=st.text(),
    status=st.sampled_from(["Completed", "Stopped", "Failed"]),
    hyperparameters=st.dictionaries(st.text(), st.text()),
    fold_scores=st.lists(FINITE).map(tuple),
    score=st.none() | FINITE,
    rounds=st.none() | st.integers(1, 1000),
    folds_completed=st.integers(0, 35),
    reason=st.text(),
    started=st.text(),
    ended=st.text(),
)
TRIALS = st.builds(
    SearchedTrials,
    candidate=st.text(),
    algorithm=st.text(),
    task=st.text(),
    feature_set=st.text(),
    metric=st.text(),
    folds=st.integers(2, 35),
    fold_hash=st.text(),
    data_fingerprint=st.text(),
    trials=st.lists(ROWS, max_size=3).map(tuple),
    ended_early=st.text(),
)


def packed(name: str, text: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.type = kind
        member.size = len(text.encode())
        tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


@given(TRIALS)
def test_trials_are_read_out_of_the_archive_as_they_were(trials: SearchedTrials) -> None:
    assert read_trials(packed("./trials.json", trials.to_json())) == trials


@pytest.mark.parametrize(
    "archive,fault",
    [
        (b"", "is not a readable gzip tar"),
        (gzip.compress(b"text", mtime=0), "is not a readable gzip tar"),
        (packed("trials.json", "{}")[:60], "is not a readable gzip tar"),
        (packed("model.txt", "{}"), "holds no trials.json"),
        (packed("trials.json", "", tarfile.SYMTYPE), "holds no trials.json"),
        (bytes(MAX_ARCHIVE_BYTES + 1), "too big"),
        (gzip.compress(bytes(MAX_UNPACKED_BYTES + 1), mtime=0), "too big"),
        (packed("trials.json", "[]"), "must be a JSON object"),
        (packed("trials.json", '{"format": 9}'), "has format 9, this version reads 1"),
        (packed("trials.json", '{"format": 1, "trials": [{}]}'), "is incomplete"),
    ],
)
def test_anything_else_is_refused(archive: bytes, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        read_trials(archive)


@given(TRIALS)
def test_the_file_is_plain_json(trials: SearchedTrials) -> None:
    assert len(json.loads(trials.to_json())["trials"]) == len(trials.trials)
