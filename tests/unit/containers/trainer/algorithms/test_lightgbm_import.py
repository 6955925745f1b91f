"""LightGBM as the trainer imports it, each time in a process that has imported nothing yet."""

import os
import subprocess
import sys
from pathlib import Path

IMPORT = (
    "import sys; from warmfold_trainer.algorithms.lightgbm_import import import_lightgbm; "
    "import_lightgbm(); import lightgbm; "
)
# Trees on a matrix that is mostly zeros, and what they predict for it.
TRAIN = (
    "import numpy as np; x = np.random.default_rng(1).integers(0, 3, (300, 4)).astype(float); "
    "y = x[:, 0] + x[:, 1]; p = {'verbosity': -1, 'num_threads': 1}; "
    "dense = lightgbm.train(p, lightgbm.Dataset(x, y), 3); "
)


def printed(code: str, *, path: Path | None = None) -> list[str]:
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), *sys.path])
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return found.stdout.split()


def test_training_and_predicting_import_no_scipy() -> None:
    code = f"{IMPORT}{TRAIN}dense.predict(x); print('scipy' in sys.modules)"
    assert printed(code) == ["False"]


def test_a_sparse_matrix_is_taken_as_ever() -> None:
    code = (
        f"{IMPORT}{TRAIN}import scipy.sparse; rows = scipy.sparse.csr_matrix(x); "
        "columns = scipy.sparse.csc_matrix(x); sparse = lightgbm.train(p, "
        "lightgbm.Dataset(rows, y), 3); "
        "print(*(bool((m.predict(d) == dense.predict(x)).all()) for m in (dense, sparse) "
        "for d in (x, rows, columns)))"
    )
    assert printed(code) == ["True"] * 6


def test_lightgbm_itself_may_fetch_scipy() -> None:
    code = (
        f"{IMPORT}own = lightgbm.basic.scipy.sparse; before = 'scipy' in sys.modules; "
        "made, is_sparse = own.csr_matrix([[0.0, 1.0]]), own.issparse; "
        "import scipy.sparse as real; "
        "print(before, type(made) is real.csr_matrix, is_sparse is real.issparse, "
        "isinstance(made, own.csr_matrix), isinstance(made, own.csc_matrix))"
    )
    assert printed(code) == ["False", "True", "True", "True", "False"]


def test_where_scipy_is_imported_already_lightgbm_has_that() -> None:
    code = f"import scipy.sparse; {IMPORT}print(lightgbm.basic.scipy is scipy)"
    assert printed(code) == ["True"]


def test_where_scikit_learn_is_installed_it_finds_scipy(tmp_path: Path) -> None:
    (tmp_path / "sklearn.py").write_text("from scipy.linalg import norm\n__version__ = '1'\n")
    code = f"{IMPORT}print('scipy.linalg' in sys.modules, lightgbm.basic.scipy.__name__)"
    assert printed(code, path=tmp_path) == ["True", "scipy"]


def test_where_something_else_imports_scipy_meanwhile_it_finds_scipy(tmp_path: Path) -> None:
    (tmp_path / "lightgbm.py").write_text(
        "import scipy.sparse as before\n"
        "from scipy.linalg import norm\n"
        "from scipy import sparse, special\n"
        "import scipy, sys\n"
        "there = before.csr_matrix([[0.0, 1.0]])\n"
        "found = isinstance(there, before.csr_matrix), isinstance(there, sparse.csc_matrix)\n"
    )
    code = (
        f"{IMPORT}import scipy.sparse; print(*lightgbm.found, lightgbm.scipy is scipy, "
        "lightgbm.sparse is scipy.sparse, hasattr(scipy, '__version__'))"
    )
    assert printed(code, path=tmp_path) == ["True", "False", "True", "True", "True"]


def test_nothing_is_sparse_while_lightgbm_is_imported(tmp_path: Path) -> None:
    (tmp_path / "lightgbm.py").write_text(
        "import sys, scipy.sparse\n"
        "found = isinstance(1, scipy.sparse.spmatrix), 'scipy.linalg' in sys.modules\n"
    )
    code = f"{IMPORT}print(*lightgbm.found, 'scipy' in sys.modules)"
    assert printed(code, path=tmp_path) == ["False", "False", "False"]


def test_an_import_that_fails_leaves_scipy_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "lightgbm.py").write_text("raise ImportError('no libgomp')\n")
    code = (
        "import sys; from warmfold_trainer.algorithms.lightgbm_import import import_lightgbm\n"
        "try:\n    import_lightgbm()\nexcept ImportError as error:\n"
        "    print(str(error).replace(' ', '_'), 'scipy' in sys.modules)"
    )
    assert printed(code, path=tmp_path) == ["no_libgomp", "False"]
