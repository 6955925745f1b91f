"""Contract in, contract out: command line, SIGTERM, failure file and exit code.

numpy and LightGBM are imported by the commands, so that a wrong setting is answered at once.
"""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from warmfold_contract.errors import UserError, write_failure
from warmfold_contract.paths import Paths
from warmfold_trainer.metric_log import guarded_output

LOGGER = logging.getLogger("warmfold_trainer")

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_TERMINATED = 128 + signal.SIGTERM


def main(arguments: Sequence[str]) -> int:
    """Run one command; the result is the process's exit code."""
    with guarded_output():
        return _main(arguments)


def _main(arguments: Sequence[str]) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    # Read by OpenMP when a library brings it, later. Threads that sleep while they wait for each
    # other leave the cores to those that work; LightGBM's otherwise burn several times the CPU as
    # soon as anything else runs.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Read when numpy is imported: making threads takes OpenBLAS half of that import, and nothing
    # here multiplies matrices worth sharing. Its sums then do not depend on the cores, either.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    command = COMMANDS.get(arguments[0]) if len(arguments) == 1 else None
    if command is None:
        LOGGER.error("usage: python -m warmfold_trainer {%s}", "|".join(COMMANDS))
        return EXIT_USAGE
    paths = Paths.from_environment()
    # A training job's reason lies in output/failure, a processing job's in output/message.
    reason_file = paths.failure if arguments[0] == "train" else paths.exit_message
    _leave_on_sigterm(reason_file)
    return _run(command, paths, reason_file)


def _run(command: Callable[[Paths], None], paths: Paths, reason_file: Path) -> int:
    try:
        command(paths)
    except UserError as error:
        LOGGER.error("%s", error)  # noqa: TRY400 - a user's mistake needs no traceback
        write_failure(reason_file, str(error))
        return EXIT_FAILED
    except Exception as error:
        LOGGER.exception("internal error")
        write_failure(reason_file, _internal_error(error))
        return EXIT_FAILED
    return 0


def _internal_error(error: Exception) -> str:
    """Type and place only: an exception's text may hold a data value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name} line {frame.lineno}"
    return (
        f"internal error in the trainer image: {type(error).__name__} at {place}; "
        "the traceback is in the job's log"
    )


def _leave_on_sigterm(reason_file: Path) -> None:
    """SageMaker stops a job with SIGTERM and kills it 120 s later (developer guide, "Running
    your training image"): leave at once, with a reason, without running any more of the job."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        write_failure(reason_file, "stopped by SIGTERM before the job had finished")
        # Not sys.exit: it would wait for the folds' threads and flush half a metric line.
        os._exit(EXIT_TERMINATED)

    signal.signal(signal.SIGTERM, leave)


def _process(paths: Paths) -> None:
    from warmfold_trainer.process import process

    process(paths)


def _train(paths: Paths) -> None:
    from warmfold_trainer.train import train

    train(paths)


def _evaluate(paths: Paths) -> None:
    from warmfold_trainer.evaluate import evaluate

    evaluate(paths)


COMMANDS: dict[str, Callable[[Paths], None]] = {
    "train": _train,
    "process": _process,
    "evaluate": _evaluate,
}
