"""LightGBM without SciPy, whose ``scipy.sparse`` takes most of the import's CPU time.

LightGBM asks of what it is given whether it is a sparse matrix, and the trainer has none. Where
nothing has imported SciPy, no object can be one: for LightGBM alone a stand-in answers so, and
fetches SciPy for whoever has it after all.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

_PACKAGE = "scipy"
_SPARSE = "scipy.sparse"
# What LightGBM looks up: the rest only if something is sparse.
_CLASSES = ("spmatrix", "csr_matrix", "csc_matrix")


class _Deferred(type):
    """Stands for the class of this name in ``scipy.sparse``."""

    def __instancecheck__(cls, value: object) -> bool:
        loaded = sys.modules.get(_SPARSE)
        if loaded is None or isinstance(loaded, _DeferredModule):
            return False
        return isinstance(value, getattr(loaded, cls.__name__))

    def __call__(cls, *given: Any, **named: Any) -> Any:
        return getattr(_real(_SPARSE), cls.__name__)(*given, **named)


class _DeferredModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return getattr(_real(self.__name__), name)


def import_lightgbm() -> None:
    """Call it before ``import lightgbm``. Other imports of SciPy, later, are SciPy's.

    Where SciPy is imported already, or scikit-learn is there for LightGBM to import (not in the
    images), it is an ordinary import.
    """
    if _PACKAGE in sys.modules or importlib.util.find_spec("sklearn") is not None:
        importlib.import_module("lightgbm")
        return
    stand_ins = _stand_ins()
    sys.modules.update(stand_ins)
    try:
        importlib.import_module("lightgbm")
    finally:
        _remove_stand_ins()


def _real(name: str) -> ModuleType:
    """SciPy's own module, also for whoever asks while LightGBM is being imported."""
    _remove_stand_ins()
    return importlib.import_module(name)


def _remove_stand_ins() -> None:
    for name in (_PACKAGE, _SPARSE):
        if isinstance(sys.modules.get(name), _DeferredModule):
            sys.modules.pop(name, None)


def _stand_ins() -> dict[str, ModuleType]:
    package, sparse = _DeferredModule(_PACKAGE), _DeferredModule(_SPARSE)
    package.__dict__["sparse"] = sparse
    for name in _CLASSES:
        sparse.__dict__[name] = _Deferred(name, (), {})
    return {_PACKAGE: package, _SPARSE: sparse}
