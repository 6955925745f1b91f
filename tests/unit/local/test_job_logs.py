"""Log files as log streams: whole lines, in order, each once, and nothing left at the end."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.local.jobs_support import Bench
from warmfold_local import job_logs
from warmfold_local.job_logs import Batch, JobLogs

EPOCH = 1_790_000_000


class Sink:
    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def __call__(self, batches: list[Batch]) -> None:
        self.batches += batches

    def lines(self, stream: str) -> list[str]:
        return [line for batch in self.batches if batch.stream == stream for line in batch.messages]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def logs(sink: Sink) -> JobLogs:
    return JobLogs(sink)


def test_lines_are_handed_on_once_they_are_whole(logs: JobLogs, sink: Sink, tmp_path: Path) -> None:
    logs.follow_job(tmp_path, "training-job", "job", EPOCH)
    log = tmp_path / "log.txt"
    log.write_text("one\ntw")
    logs.ship()
    log.write_text("one\ntwo\nthr")
    logs.ship()
    assert sink.lines(f"job/algo-1-{EPOCH}") == ["one", "two"]
    assert {batch.group for batch in sink.batches} == {"/aws/sagemaker/TrainingJobs"}


def test_the_end_takes_the_last_line_as_it_is_and_follows_no_more(
    logs: JobLogs, sink: Sink, tmp_path: Path
) -> None:
    logs.follow_job(tmp_path, "processing-job", "job", EPOCH)
    (tmp_path / "log.txt").write_text("no newline")
    logs.ended(tmp_path)
    logs.ship()
    (tmp_path / "log.txt").write_text("no newline\nmore\n")
    logs.ship()
    assert sink.lines(f"job/algo-1-{EPOCH}") == ["no newline"]


def test_every_host_has_a_stream_of_its_own(logs: JobLogs, sink: Sink, tmp_path: Path) -> None:
    logs.follow_job(tmp_path, "training-job", "job", EPOCH)
    (tmp_path / "log.txt").write_text("first\n")
    (tmp_path / "log-algo-2.txt").write_text("second\n")
    logs.ship()
    assert sink.lines(f"job/algo-1-{EPOCH}") == ["first"]
    assert sink.lines(f"job/algo-2-{EPOCH}") == ["second"]


def test_an_endpoints_fleets_go_on_in_one_stream(logs: JobLogs, sink: Sink, tmp_path: Path) -> None:
    logs.follow_endpoint(tmp_path, "live", "main")
    (tmp_path / "log.txt").write_text("old\n")
    logs.ship()
    logs.follow_endpoint(tmp_path, "live", "main")
    (tmp_path / "log.txt").write_text("old\nnew\n")
    logs.ship()
    (stream,) = {batch.stream for batch in sink.batches}
    assert stream.startswith("main/i-0")
    assert {batch.group for batch in sink.batches} == {"/aws/sagemaker/Endpoints/live"}
    assert sink.lines(stream) == ["old", "new"]


def test_what_is_deleted_or_not_there_yet_is_no_fault(
    logs: JobLogs, sink: Sink, tmp_path: Path
) -> None:
    logs.follow_job(tmp_path / "gone", "transform-job", "job", EPOCH)
    logs.follow_job(tmp_path, "hyper-parameter-tuning-job", "tune", EPOCH)
    (tmp_path / "log.txt").write_text("not a container's\n")
    logs.ship()
    assert sink.batches == []


def test_without_anybody_who_wants_them_nothing_is_followed(tmp_path: Path) -> None:
    logs = JobLogs()
    logs.follow_job(tmp_path, "training-job", "job", EPOCH)
    late = Sink()
    logs.sink = late
    (tmp_path / "log.txt").write_text("line\n")
    logs.ship()
    assert late.batches == []


def test_a_very_long_line_is_cut(
    logs: JobLogs, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_logs, "_EVENT_BYTES", 4)
    monkeypatch.setattr(job_logs, "_READ_BYTES", 8)
    logs.follow_job(tmp_path, "training-job", "job", EPOCH)
    (tmp_path / "log.txt").write_text("0123456789abcdef\nnext\n")
    logs.ship()
    assert sink.lines(f"job/algo-1-{EPOCH}") == ["0123", "4567", "89ab", "cdef", "next"]


@settings(deadline=None)  # files
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")), max_size=30))
def test_however_a_log_grows_every_line_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    folder, sink = tmp_path_factory.mktemp("log"), Sink()
    logs = JobLogs(sink)
    logs.follow_job(folder, "training-job", "job", EPOCH)
    with (folder / "log.txt").open("wb") as file:
        for number, piece in enumerate(pieces):
            file.write(piece.encode() + (b"\n" if number % 3 == 0 else b""))
            file.flush()
            if number % 2:
                logs.ship()
    logs.ended(folder)
    logs.ship()
    text = "".join(piece + ("\n" if n % 3 == 0 else "") for n, piece in enumerate(pieces))
    assert sink.lines(f"job/algo-1-{EPOCH}") == [line for line in text.split("\n") if line]


def test_a_jobs_lines_arrive_under_its_own_name(tmp_path: Path, sink: Sink) -> None:
    bench = Bench(tmp_path)
    logs = bench.cloud.part(JobLogs)
    logs.sink = sink
    bench.train(bench.image("print('epoch 1')\nprint('epoch 2')"))
    made = int(bench.ended_training()["CreationTime"].timestamp())

    def shipped() -> bool:
        logs.ship()
        return sink.lines(f"job/algo-1-{made}") != []

    bench.wait(shipped)
    assert sink.lines(f"job/algo-1-{made}") == ["epoch 1", "epoch 2"]
