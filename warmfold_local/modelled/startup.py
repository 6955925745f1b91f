"""How long a job takes to start, and what else every replay assumes unless it says otherwise."""

from warmfold_local.modelled.parameters import Parameter

_OURS = "assumption of this model"

STARTUP = (
    Parameter(
        name="cold_start_seconds",
        value=180,
        unit="s",
        source="J. Pereira's article on cross-validation in SageMaker: about 3 min",
        dated="2023-03",
    ),
    Parameter(
        name="warm_start_seconds",
        value=20,
        unit="s",
        source="Syne Tune's FAQ: about 20 s (an AWS blog post says under 20 s)",
        dated="2026-11",
    ),
    Parameter(
        name="image_pull_seconds",
        value=20,
        unit="s",
        source=f"{_OURS}: the end of a cold start that is billed; a warm start is billed whole",
        dated="2026-11",
    ),
    Parameter(
        name="upload_seconds",
        value=0,
        unit="s",
        source=f"{_OURS}: 0 counts the upload as part of the training time",
        dated="2026-11",
    ),
)
