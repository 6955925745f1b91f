"""Hypothesis strategies: specs that a user may write, and JSON that nobody should."""

import string
from dataclasses import replace
from typing import Any, Literal

from hypothesis import strategies as st

from warmfold.pipeline.candidates import CANDIDATE_NAME_LIMIT, Candidate, FanOut, Range
from warmfold.pipeline.spec import MAX_FOLDS, MODEL_NAME_LIMIT, Compute, PipelineSpec
from warmfold_contract.metric_names import METRIC_DIRECTIONS
from warmfold_contract.tasks import TASKS

# Types that a processing, a training and a transform job, and an endpoint may all have.
_INSTANCE_TYPES = ("ml.m5.large", "ml.c5.xlarge", "ml.g4dn.xlarge", "ml.m5.24xlarge")
_JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["Get", "Parameters.BucketName", "Steps.CreateModel.ModelName", "Steps."])
)
_KEYS = st.text(max_size=8) | st.sampled_from(
    ["Name", "Type", "Steps", "Arguments", "Get", "Std:Join", "Std:JsonGet", "Values", "Conditions"]
)
ANY_JSON = st.recursive(
    _JSON_LEAVES,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(_KEYS, children, max_size=3),
    max_leaves=12,
)
_WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)


def _names(limit: int) -> st.SearchStrategy[str]:
    joined = st.lists(_WORDS, min_size=1, max_size=5).map("-".join)
    return joined.map(lambda name: name[:limit].strip("-"))


def _numeric(kind: Any) -> st.SearchStrategy[Range]:
    numbers: st.SearchStrategy[float] = (
        st.integers(1, 10_000).map(float) if kind == "integer" else st.floats(1e-9, 1e6)
    )
    bounds = st.tuples(numbers, numbers).map(sorted).filter(lambda pair: pair[0] < pair[1])
    scalings = st.sampled_from(["Auto", "Linear", "Logarithmic"])
    return st.builds(
        lambda pair, scaling: Range(kind=kind, minimum=pair[0], maximum=pair[1], scaling=scaling),
        bounds,
        scalings,
    )


_RANGES = (
    _numeric("continuous")
    | _numeric("integer")
    | st.lists(st.text(max_size=30), min_size=1, max_size=30, unique=True).map(
        lambda values: Range(kind="categorical", values=tuple(values))
    )
)
_COMPUTE = st.builds(
    Compute,
    instance_type=st.sampled_from(_INSTANCE_TYPES),
    instance_count=st.integers(1, 20),
    volume_gib=st.integers(1, 16_384),
    max_runtime_seconds=st.integers(1, 777_600),
)
_SPOT = st.tuples(_COMPUTE, st.integers(0, 777_600)).map(
    lambda drawn: replace(drawn[0], spot_max_wait_seconds=drawn[0].max_runtime_seconds + drawn[1])
)

_FAN_OUTS = st.none() | st.builds(
    FanOut,
    keep_alive_seconds=st.integers(0, 3600),
    folds_at_once=st.integers(1, 5),
    own_fold=st.booleans(),
)


@st.composite
def _candidates(draw: st.DrawFn) -> Candidate:
    keys = draw(st.lists(_WORDS, min_size=1, max_size=20, unique=True))
    tuned = draw(st.integers(1, len(keys)))
    return Candidate(
        name=draw(_names(CANDIDATE_NAME_LIMIT)),
        algorithm=draw(_WORDS),
        task=draw(st.sampled_from(TASKS)),
        feature_set=draw(_WORDS),
        static={key: draw(st.text(max_size=20).filter(_one_line)) for key in keys[tuned:]},
        ranges={key: draw(_RANGES) for key in keys[:tuned]},
    )


def _one_line(value: str) -> bool:
    return "\n" not in value


@st.composite
def specs(draw: st.DrawFn) -> PipelineSpec:
    candidates = st.lists(
        _candidates(), min_size=1, max_size=4, unique_by=lambda candidate: candidate.name
    )
    max_trials = draw(st.integers(1, 750))
    engines: list[Literal["amt", "in_job"]] = ["amt", "in_job"]
    engine = draw(st.sampled_from(engines))
    fan_out = None if engine == "in_job" else draw(_FAN_OUTS)
    folds = draw(st.integers(2, MAX_FOLDS))
    # 25 x 4 candidates are the 100 folds that may be alive together
    parallel_trials = draw(st.integers(1, max_trials if fan_out is None else min(max_trials, 5)))
    strategy = draw(st.sampled_from(["Bayesian", "Random"]))
    return PipelineSpec(
        model=draw(_names(MODEL_NAME_LIMIT)),
        folds=folds,
        repeats=draw(st.integers(1, MAX_FOLDS // folds)),
        assignment=draw(st.sampled_from(["stratified", "grouped"])),
        holdout_fraction=draw(st.floats(0.01, 0.9)),
        seed=draw(st.integers(0, 2**31 - 1)),
        metric=draw(st.sampled_from(sorted(METRIC_DIRECTIONS))),
        candidates=tuple(draw(candidates)),
        strategy=strategy,
        stops_when_converged=strategy == "Bayesian" and draw(st.booleans()),
        max_trials=max_trials,
        parallel_trials=parallel_trials,
        engine=engine,
        racing=draw(st.none() | st.floats(0.1, 5)),
        fan_out=fan_out,
        minimum_score=draw(st.floats(-1e6, 1e6)),
        processing=draw(_COMPUTE),
        trial=draw(_COMPUTE),
        search=draw(_COMPUTE | _SPOT),
        final=draw(_COMPUTE | _SPOT),
        evaluation=draw(_COMPUTE),
        transform=draw(_COMPUTE),
        realtime_instance_types=(draw(st.sampled_from(_INSTANCE_TYPES)),),
    )
