"""A disk that fills up while a job writes: the job fails, and vouches for nothing."""

from pathlib import Path

import pytest

from tests.unit.containers.trainer.final_model import ready
from tests.unit.containers.trainer.jobs import Job
from warmfold_contract.paths import Paths

FULL = Path("/dev/full")  # every write to it fails with ENOSPC (man 4 full)

# Only Linux has it, as the images do; elsewhere nothing but a file system of one's own, which takes
# an administrator, runs out of space on demand.
pytestmark = pytest.mark.skipif(
    not FULL.is_char_device(), reason="/dev/full, a device of Linux, is what fills up"
)


@pytest.mark.parametrize("name", ["model.txt", "manifest.json"])
def test_a_final_training_on_a_full_disk_fails_and_says_so(
    job: Job, processed: Paths, name: str
) -> None:
    ready(job, processed)
    job.paths.model.mkdir(parents=True)
    (job.paths.model / name).symlink_to(FULL)
    finished = job.run("train")
    assert finished.code == 1
    assert "No space left on device" in finished.err
    assert finished.reason
    assert not [path for path in job.paths.model.glob("manifest.json") if path.is_file()]
