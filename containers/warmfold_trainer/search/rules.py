"""By which rules a search goes about it. The defaults ship; other ones are tried by
``python -m benchmarks.search_rules`` (docs/decisions/0014-search-inside-one-job.md)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rules:
    """``price`` is the power of a trial's work that its expected improvement is divided by; 0:
    whatever it takes. At most ``spread`` trials precede the model: the least work of
    ``spread_from`` times as many points, the least first, and at last (or first, with
    ``defaults_last`` false) the algorithm's defaults. ``margin`` is by how many standard errors of
    the incumbent's mean a trial must promise to be better, or racing stops it.
    """

    price: float = 1.0
    spread: int = 6
    spread_from: int = 10
    defaults_last: bool = True
    margin: float = 0.1
