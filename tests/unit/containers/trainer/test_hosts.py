"""The final training on several hosts of one machine."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.final_model import FINAL, files, ready
from tests.unit.containers.trainer.jobs import Finished, Job
from warmfold_contract.paths import Paths
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmTrees
from warmfold_trainer.feature_set import read_feature_set
from warmfold_trainer.hosts import ADDRESSES_VARIABLE, Cluster
from warmfold_trainer.main import EXIT_TERMINATED
from warmfold_trainer.scores import auc


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def on_hosts(tmp_path: Path, site: Path, processed: Paths, names: list[str]) -> list[Job]:
    """A job folder for each host."""
    jobs = []
    for name in names:
        job = ready(Job(paths=Paths(tmp_path / name), site=site), processed)
        job.paths.resource_config.write_text(json.dumps({"current_host": name, "hosts": names}))
        jobs.append(job)
    return jobs


def run_all(jobs: list[Job], names: list[str]) -> list[Finished]:
    ports = free_ports(len(names))
    addresses = ",".join(
        f"{name}=127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)
    )
    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(
            threads.map(lambda job: job.run("train", **{ADDRESSES_VARIABLE: addresses}), jobs)
        )


def read_until_silent(connection: socket.socket) -> None:
    """A host's rank, and what it knows of its features."""
    connection.settimeout(3)
    with suppress(TimeoutError):
        while connection.recv(65_536):
            pass


@contextmanager
def waiting(job: Job) -> Iterator["subprocess.Popen[str]"]:
    """The first of two hosts, which has found that the second does not answer."""
    ports = free_ports(2)
    addresses = f"algo-1=127.0.0.1:{ports[0]},algo-2=127.0.0.1:{ports[1]}"
    child = job.start("train", **{ADDRESSES_VARIABLE: addresses})
    try:
        assert child.stderr is not None
        assert any("Connecting to rank 1 failed" in line for line in child.stderr)
        yield child
    finally:
        child.kill()
        child.communicate()


def holdout_auc(job: Job, processed: Paths) -> float:
    holdout = read_feature_set(processed.processing_output("holdout"), with_folds=False)
    model = LightGbmTrees().load(job.paths.model)
    return auc(holdout.target, model.predict(holdout.features))


def test_several_hosts_train_one_model_as_good_as_one_hosts(
    tmp_path: Path, job: Job, processed: Paths
) -> None:
    names = ["algo-1", "algo-2", "algo-3"]
    jobs = on_hosts(tmp_path, job.site, processed, names)
    finished = run_all(jobs, names)
    assert [each.code for each in finished] == [0, 0, 0], finished
    assert [each.paths.model.exists() for each in jobs] == [True, False, False]
    assert ready(job, processed).run("train").code == 0
    assert holdout_auc(jobs[0], processed) == pytest.approx(holdout_auc(job, processed), abs=0.02)


def test_the_hosts_places_are_no_part_of_the_model(
    tmp_path: Path, job: Job, processed: Paths
) -> None:
    names = ["algo-1", "algo-2"]
    jobs = on_hosts(tmp_path, job.site, processed, names)
    models = []
    for _ in range(2):  # on other ports each time
        assert [each.code for each in run_all(jobs, names)] == [0, 0]
        models.append(files(jobs[0].paths.model))
    assert models[0] == models[1]
    assert b"127.0.0.1" not in models[0]["model.txt"]


def test_a_host_that_is_lost_fails_the_others_with_a_reason(
    tmp_path: Path, job: Job, processed: Paths
) -> None:
    names = ["algo-1", "algo-2"]
    one, other = on_hosts(tmp_path, job.site, processed, names)
    selection = one.paths.channel("selection") / "selected_trial.json"
    for each in (one, other):  # far more rounds than there is time for
        path = each.paths.channel("selection") / selection.name
        values = json.loads(path.read_text())
        slow = {"learning_rate": "0.0001", "num_leaves": "31", "min_data_in_leaf": "5"}
        path.write_text(json.dumps({**values, "rounds": 1_000_000, "hyperparameters": slow}))
    ports = free_ports(2)
    addresses = f"algo-1=127.0.0.1:{ports[0]},algo-2=127.0.0.1:{ports[1]}"
    children = [each.start("train", **{ADDRESSES_VARIABLE: addresses}) for each in (one, other)]
    try:
        assert children[0].stderr is not None
        assert any("Local rank: 0" in line for line in children[0].stderr)
        children[1].kill()
        children[1].communicate(timeout=30)
        children[0].communicate(timeout=60)
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert children[0].returncode == 1
    assert one.reason().startswith("training on 2 hosts broke off, because one of them was lost")
    assert not one.paths.model.exists()


def test_a_host_that_is_lost_after_it_has_read_all_is_not_waited_for(
    tmp_path: Path, job: Job, processed: Paths
) -> None:
    """The other host has nothing left to send then, and its connection just ends."""
    one, _ = on_hosts(tmp_path, job.site, processed, ["algo-1", "algo-2"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        places = [free_ports(1)[0], int(listener.getsockname()[1])]
        addresses = ",".join(f"algo-{n}=127.0.0.1:{port}" for n, port in enumerate(places, 1))
        child = one.start("train", **{ADDRESSES_VARIABLE: addresses})
        try:
            connection, _ = listener.accept()
            with connection:
                read_until_silent(connection)
            child.communicate(timeout=30)
        finally:
            child.kill()
            child.communicate()
    assert one.reason().startswith("training on 2 hosts broke off, because one of them was lost")


def test_a_host_that_waits_for_another_can_be_stopped(
    tmp_path: Path, job: Job, processed: Paths
) -> None:
    one, _ = on_hosts(tmp_path, job.site, processed, ["algo-1", "algo-2"])
    with waiting(one) as child:
        child.terminate()
        child.communicate(timeout=20)
    assert child.returncode == EXIT_TERMINATED
    assert "this one was stopped" in one.reason()


def test_a_process_that_a_library_ends_has_left_a_reason(
    tmp_path: Path, job: Job, processed: Paths
) -> None:
    """As LightGBM does where a thread of its own finds that a host is gone."""
    one, _ = on_hosts(tmp_path, job.site, processed, ["algo-1", "algo-2"])
    with waiting(one) as child:
        child.send_signal(signal.SIGABRT)
        child.communicate(timeout=30)
    assert child.returncode == -signal.SIGABRT
    assert one.reason().startswith("training on 2 hosts broke off, because one of them was lost")


def test_an_algorithm_that_trains_on_one_host_says_so(
    tmp_path: Path, job: Job, processed: Paths
) -> None:
    names = ["algo-1", "algo-2"]
    (one, _) = on_hosts(tmp_path, job.site, processed, names)
    path = one.paths.channel("selection") / "selected_trial.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "algorithm": "linear", "hyperparameters": {}}))
    reason = one.run("train").reason
    assert reason.startswith("the job has 2 instances, but linear trains on one")


def test_a_trial_on_several_hosts_is_refused(tmp_path: Path, job: Job, processed: Paths) -> None:
    (one, _) = on_hosts(tmp_path, job.site, processed, ["algo-1", "algo-2"])
    one.set_hyperparameters({**FINAL, "warmfold_mode": "trial"})
    assert one.run("train").reason.startswith("a trial runs on one instance, and this job has 2")


@pytest.mark.parametrize(
    "address,place", [("10.0.3.7", ("10.0.3.7", 12_400)), ("127.9.9.3", ("127.0.0.1", 12_403))]
)
def test_hosts_of_one_machine_differ_by_port(
    monkeypatch: pytest.MonkeyPatch, address: str, place: tuple[str, int]
) -> None:
    monkeypatch.setenv(ADDRESSES_VARIABLE, f"algo-1={address}")
    assert Cluster(names=("algo-1",), current="algo-1").places() == [place]


@pytest.mark.parametrize(
    "text", ['{"hosts": ["algo-1"], "current_host": "algo-2"}', '{"hosts": "algo-1"}', "[]"]
)
def test_a_broken_resource_configuration_is_named(job: Job, processed: Paths, text: str) -> None:
    ready(job, processed).paths.resource_config.write_text(text)
    assert "resourceconfig.json" in job.run("train").reason


def test_hosts_take_different_rows() -> None:
    rows = np.arange(10)
    shares = [rows[rank::3] for rank in range(3)]
    assert sorted(np.concatenate(shares)) == list(rows)
