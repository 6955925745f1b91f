"""What is worth knowing before and after a version is approved."""

from warmfold.report.charts import metric_name
from warmfold.report.collect import Package
from warmfold.runs.orders import Orders
from warmfold_contract.metric_names import Direction, direction_of

_NONE = "none"


def worse_than_approved(
    new: Package, approved: Package, own_direction: Direction | None
) -> str | None:
    """A warning that the approved version scores better on the hold-out; ``None`` if it does not.

    ``own_direction`` is of a metric of the project's own. ``None`` also where the packages'
    metadata allow no comparison: another metric, or a package that another program registered.
    """
    scores = _scores(new, approved)
    if scores is None:
        return None
    score, other, same_rows = scores
    metric = new.metadata["metric"]
    direction = direction_of(metric) or own_direction
    if direction is None or (score >= other if direction == "Maximize" else score <= other):
        return None
    rows = "the same rows" if same_rows else "other rows, so that they compare only roughly"
    return (
        f"version {new.version} is worse than version {approved.version}, the latest approved: "
        f"hold-out {metric_name(metric)} {score:.4f} against {other:.4f}, on {rows}; it is "
        f"approved all the same: `warmfold pin {approved.version}` keeps version "
        f"{approved.version} at the endpoint, or brings it back"
    )


def _scores(new: Package, approved: Package) -> tuple[float, float, bool] | None:
    """Both scores, and whether they are of the same hold-out rows."""
    values, others = new.metadata, approved.metadata
    if not {"metric", "score"} <= values.keys():
        return None
    score = float(values["score"])
    difference = values.get("difference_to_champion", _NONE)
    if values.get("champion_version") == str(approved.version) and difference != _NONE:
        return score, score - float(difference), True
    if values["metric"] != others.get("metric") or "score" not in others:
        return None
    split = ("data_fingerprint", "fold_hash")
    same_rows = all(values.get(name) == others.get(name) for name in split)
    return score, float(others["score"]), same_rows


def kept_back(version: int, newest: int, orders: Orders) -> str | None:
    """Why an approved version is not deployed, and what deploys it; ``None`` if it is.

    ``newest`` is the highest approved version.
    """
    if orders.frozen:
        return "promotion is frozen: `warmfold unfreeze` deploys what is wanted"
    if orders.version is not None and orders.version != version:
        return (
            f"the endpoint is pinned to version {orders.version}: `warmfold pin latest` follows "
            "approvals again"
        )
    if orders.version is None and newest > version:
        return (
            f"version {newest} is approved too and newer, so it is the one deployed: `warmfold "
            f"pin {version}` deploys this one"
        )
    return None
