"""Follow a run until it ends: read, hand on, wait; what is shown is somebody else's business."""

import time
from collections.abc import Callable

from warmfold.runs.aws import Aws
from warmfold.runs.read import read_run
from warmfold.runs.records import Run


def follow(
    aws: Aws,
    execution_arn: str,
    show: Callable[[Run], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Run:
    """The run once it has ended, whatever its end; ``show`` sees each state on the way."""
    run: Run | None = None
    while True:
        run = read_run(aws, execution_arn, run)
        show(run)
        if run.ended:
            return run
        sleep(aws.poll_seconds)
