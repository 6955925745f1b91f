"""A stop signal reaches a program whose main thread only waits."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import warmfold_contract
from warmfold_contract.stopping import stop_signals_left_to_main_thread

# Several idle threads beside a main thread that waits without a time-out.
PROGRAM = """
import signal, threading, time
from warmfold_contract.stopping import STOP_SIGNALS, stop_signals_left_to_main_thread
stop = threading.Event()
for number in STOP_SIGNALS:
    signal.signal(number, lambda *_: stop.set())
with stop_signals_left_to_main_thread():
    for _ in range(4):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("ready", flush=True)
stop.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_main_thread_is_woken_whatever_other_threads_there_are(number: signal.Signals) -> None:
    path = Path(warmfold_contract.__file__).parent.parent
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONPATH": str(path)},
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            try:
                assert process.wait(timeout=20) == 0
            finally:
                process.kill()


def test_the_mask_is_as_before_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with stop_signals_left_to_main_thread():
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
