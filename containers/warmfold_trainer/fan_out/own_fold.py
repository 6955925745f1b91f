"""The fold that a trial trains itself: in a thread, while it watches the others' jobs."""

import threading
from collections.abc import Callable

from warmfold_contract.stopping import stop_signals_left_to_main_thread
from warmfold_trainer.algorithms.protocol import FoldModel

# A round of boosting is shorter; binning of very large data may not be.
_LONGEST_SECONDS = 10.0


class OwnTraining:
    """``train(stop)`` gives the model, or raises; it gives up soon after ``stop`` is set."""

    def __init__(self, train: Callable[[threading.Event], FoldModel]) -> None:
        self._train = train
        self._stop = threading.Event()
        # A daemon: the process may end although the fold is still being trained.
        self._thread = threading.Thread(target=self._run, name="own-fold", daemon=True)
        self._model: FoldModel | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        with stop_signals_left_to_main_thread():
            self._thread.start()

    def result(self) -> FoldModel | None:
        """None while it trains; raises what the training raised."""
        if self._thread.is_alive():
            return None
        if self._error is not None:
            raise self._error
        return self._model

    def cancel(self) -> None:
        self._stop.set()

    def wait(self) -> None:
        """Until a cancelled training has ended: a process that ends in its middle may crash."""
        if self._thread.is_alive():
            self._thread.join(_LONGEST_SECONDS)

    def _run(self) -> None:
        try:
            self._model = self._train(self._stop)
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            self._error = error
