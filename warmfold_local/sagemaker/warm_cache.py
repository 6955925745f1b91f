"""The persistent cache of a warm pool: a folder of its jobs that stays until the pool ends.

Developer guide, "Persistent cache" of managed warm pools: ``/opt/ml/sagemaker/warmpoolcache``,
which ``SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY`` names. Here the folder itself moves into the
job that runs on the pool, and back: behind every kind of walls it lies below ``/opt/ml``.
"""

import itertools
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from warmfold_local.cloud import Cloud, Record
from warmfold_local.engine import sandbox
from warmfold_local.engine.container import BASE_DIR
from warmfold_local.engine.images import Image

VARIABLE = "SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"

# Of a record: the number of the cluster that has a cache, if the job runs on one.
CLUSTER = "_warm_cluster"

_INSIDE = Path("sagemaker", "warmpoolcache")
_FOLDER = "pools"

_removals = itertools.count()


@contextmanager
def lent(cloud: Cloud, record: Record, base_dirs: Mapping[str, Path]) -> Iterator[None]:
    """The cache lies in the job for as long as this lasts. ``base_dirs``: by name of the host."""
    cluster = record.get(CLUSTER)
    if cluster is None:
        yield
        return
    pool = _pool(cloud, cluster)
    for host, base_dir in base_dirs.items():
        _lend(pool / host, base_dir / _INSIDE)
    try:
        yield
    finally:
        for host, base_dir in base_dirs.items():
            _take_back(base_dir / _INSIDE, pool / host)


def variables(image: Image, base_dir: Path) -> dict[str, str]:
    """What tells a container of its cache; nothing without one."""
    if not (base_dir / _INSIDE).is_dir():
        return {}
    seen = sandbox.inside(base_dir) if image.engine is None else Path(BASE_DIR)
    return {VARIABLE: str(seen / _INSIDE)}


def forget(cloud: Cloud, cluster: int) -> None:
    """The pool has ended: its cache goes, on a thread, since it may be large."""
    pool = _pool(cloud, cluster)
    if pool.exists():
        gone = pool.with_name(f"gone-{cluster}-{next(_removals)}")
        pool.rename(gone)
        cloud.spawn(f"cache of cluster {cluster}", lambda: shutil.rmtree(gone, ignore_errors=True))


def _pool(cloud: Cloud, cluster: int) -> Path:
    return cloud.settings.state_dir / _FOLDER / str(cluster)


def _lend(kept: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if kept.is_dir():
        kept.rename(folder)
    else:
        folder.mkdir()


def _take_back(folder: Path, kept: Path) -> None:
    """Only a folder: a container may have left anything in its place, or nothing."""
    if folder.is_dir() and not folder.is_symlink():
        kept.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(kept)
