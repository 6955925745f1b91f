"""Fan-out at scale: the trainer's own coordinator, M trials at once, on a modelled account.

    python -m benchmarks.fan_out [--trials 10,30,100] [--folds 5,10] [--repeats 5] [--json FILE]

The API has the documented rates (calls a second of an account, not adjustable), one second's worth
as burst; every fold job takes the same time. All trials begin within the first seconds, as after
a tuning job's start, which is the worst case. Medians over seeds; everything modelled is printed.
"""

import argparse
import json
import logging
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.unit.containers.trainer.fan_out.trials import TYPE, TrialRun
from warmfold_local.modelled.account import Account, Pace
from warmfold_local.modelled.clock import Clock, Process
from warmfold_local.modelled.quotas import Quotas
from warmfold_local.modelled.rates import DOCUMENTED
from warmfold_trainer.fan_out.driver import TrialStopped
from warmfold_trainer.fan_out.plan import Patience

# Live folds of an account (StopTrainingJob is 1/s, the grace of a stop 120 s).
LIVE_FOLDS = 100
PACE = Pace(cold_start_seconds=180.0, warm_start_seconds=20.0, train_seconds=60.0)
POOLS = Quotas({f"{TYPE} for training warm pool usage": LIVE_FOLDS})
GRACE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """Of one setting; medians over the repeats. ``lost_seconds``: the last trial's end less what
    the create rate alone makes of it."""

    trials: int
    folds: int
    wave: int
    failed_trials: int
    calls_per_fold: float
    throttled_share: float
    wall_seconds: float
    bound_seconds: float
    lost_seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", default="10,30,100")
    parser.add_argument("--folds", default="5,10")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    logging.disable(logging.ERROR)  # a line for each throttled call of hundreds of trials
    begun = time.perf_counter()
    rows = [
        measured(int(trials), int(folds), given.repeats)
        for trials in given.trials.split(",")
        for folds in given.folds.split(",")
    ]
    stops = [stopped(seed) for seed in range(given.repeats)]
    rates = {name: rate for name, rate in DOCUMENTED.items() if "TrainingJob" in name}
    print(f"calls a second: {rates}\n{PACE}\n{Patience()}")
    print(table(rows))
    print(
        f"{LIVE_FOLDS} live folds of 10 trials, all trials stopped at once: "
        f"{statistics.median(seconds for seconds, _ in stops):.0f} s until the last stop is asked "
        f"for (bound {LIVE_FOLDS - 1} s, grace {GRACE_SECONDS:.0f} s), "
        f"{sum(left for _, left in stops)} left in {given.repeats} repeats"
    )
    print(f"modelled in {time.perf_counter() - begun:.1f} s")
    if given.json is not None:
        text = json.dumps([asdict(row) for row in rows], indent=2) + "\n"
        given.json.write_text(text, encoding="utf-8")
    return int(any(row.failed_trials for row in rows) or any(left for _, left in stops))


def measured(trials: int, folds: int, repeats: int) -> Row:
    runs = [once(trials, folds, seed) for seed in range(repeats)]
    first = runs[0]
    return Row(
        trials=trials,
        folds=folds,
        wave=first.wave,
        failed_trials=sum(run.failed_trials for run in runs),
        **{
            name: statistics.median(getattr(run, name) for run in runs)
            for name in (
                "calls_per_fold",
                "throttled_share",
                "wall_seconds",
                "bound_seconds",
                "lost_seconds",
            )
        },
    )


def once(trials: int, folds: int, seed: int) -> Row:
    wave = min(folds, max(1, LIVE_FOLDS // trials))
    account, runs = campaign(trials, folds, wave, seed)
    account.clock.run()
    calls, jobs = sum(account.calls.values()), trials * folds
    wall = max(run.outcome.seconds for run in runs)
    bound = bound_seconds(jobs, trials * wave)
    return Row(
        trials=trials,
        folds=folds,
        wave=wave,
        failed_trials=sum(run.outcome.results is None for run in runs),
        calls_per_fold=calls / jobs,
        throttled_share=sum(account.throttled.values()) / calls,
        wall_seconds=wall,
        bound_seconds=bound,
        lost_seconds=wall - bound,
    )


def campaign(
    trials: int,
    folds: int,
    wave: int,
    seed: int,
    *,
    stop_at: float = float("inf"),
    pace: Pace = PACE,
) -> tuple[Account, list[TrialRun]]:
    """Trials that are about to begin, a tenth of a second apart."""
    account = Account(clock=Clock(), rates=DOCUMENTED, quotas=POOLS, pace=pace)
    runs = [
        TrialRun(
            account=account,
            name=f"execution-Tune-trees-{number:03d}-0a1b2c3d",
            folds=folds,
            wave=wave,
            seed=1000 * seed + number,
            stop_at=stop_at,
        )
        for number in range(trials)
    ]
    for number, run in enumerate(runs):
        account.clock.spawn(later(0.1 * number, run.process()))
    return account, runs


def later(seconds: float, process: Process) -> Process:
    yield seconds
    yield from process


def bound_seconds(jobs: int, live: int) -> float:
    """With perfect foresight: a create a second, ``live`` places, cold first and warm then."""
    free = [0.0] * min(live, jobs)
    at = ended = 0.0
    for number in range(jobs):
        free.sort()
        place = free.pop(0)
        at = max(at + 1.0 if number else 0.0, place)
        start = PACE.cold_start_seconds if place == 0.0 else PACE.warm_start_seconds
        free.append(at + start + PACE.train_seconds)
        ended = max(ended, free[-1])
    return ended


def stopped(seed: int) -> tuple[float, int]:
    """Seconds from SIGTERM to the last stop of 10 trials with 10 live folds each, and how many
    folds have run to their end by themselves."""
    moment = 170.0
    long = replace(PACE, train_seconds=3600.0)
    account, runs = campaign(10, 10, 10, seed, stop_at=moment, pace=long)
    account.clock.run()
    assert all(isinstance(run.outcome.error, TrialStopped) for run in runs)
    left = sum(job.status == "Completed" for job in account.jobs.values())
    return max(run.outcome.seconds for run in runs) - moment, left


def table(rows: Sequence[Row]) -> str:
    head = (
        "| trials | folds | wave | failed | calls a fold | throttled | wall s | bound s | lost s |"
    )
    lines = [
        f"| {row.trials} | {row.folds} | {row.wave} | {row.failed_trials} "
        f"| {row.calls_per_fold:.1f} | {row.throttled_share:.0%} | {row.wall_seconds:.0f} "
        f"| {row.bound_seconds:.0f} | {row.lost_seconds:.0f} |"
        for row in rows
    ]
    return "\n".join([head, "|---" * 9 + "|", *lines])


if __name__ == "__main__":
    sys.exit(main())
