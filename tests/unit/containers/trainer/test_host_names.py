"""Names of a job's hosts that are not known yet, on a clock of the test's own."""

import socket

import pytest

from warmfold_contract.errors import UserError
from warmfold_trainer.hosts import NAMES_SECONDS, Cluster

CLUSTER = Cluster(names=("algo-1", "algo-2"), current="algo-1")


class Names:
    """``algo-2`` is known from a moment on, or never."""

    def __init__(self, known_from: float) -> None:
        self.known_from = known_from
        self.now = 0.0
        self.pauses: list[float] = []

    def find(self, name: str) -> str:
        if name == "algo-2" and self.now < self.known_from:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return {"algo-1": "10.0.0.1", "algo-2": "10.0.0.2"}[name]

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def places(self) -> list[tuple[str, int]]:
        return CLUSTER.places(find=self.find, clock=lambda: self.now, sleep=self.sleep)


def test_a_name_that_is_not_known_yet_is_asked_for_again_ever_less_often() -> None:
    names = Names(known_from=40)
    assert names.places() == [("10.0.0.1", 12_400), ("10.0.0.2", 12_400)]
    assert names.pauses == [1, 2, 4, 8, 15, 15]


def test_a_name_that_never_becomes_known_is_given_up_with_the_hosts_name() -> None:
    names = Names(known_from=float("inf"))
    with pytest.raises(UserError, match=r"^host algo-2 of this job .* after 10 minutes .*run the"):
        names.places()
    assert NAMES_SECONDS - 15 <= names.now <= NAMES_SECONDS
