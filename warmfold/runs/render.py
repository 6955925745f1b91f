"""A run as rich renderables (a terminal) or as plain lines (a pipe, a CI log)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from warmfold.runs.records import Run, Step, Trial, Tuning

_STYLES = {"Succeeded": "green", "Failed": "bold red", "Executing": "cyan", "Stopped": "yellow"}
_SHOWN_TRIALS = 4


def clock(seconds: float | None) -> str:
    """``75.2`` as ``1:15``; under ten seconds with a tenth; nothing for ``None``."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def _elapsed(run: Run, now: datetime) -> float:
    return ((run.ended_at or now) - run.started_at).total_seconds()


def tuning_line(tuning: Tuning) -> str:
    """``trials 5 of 12 done, 2 running · best 0.7812 (trial 3)``"""
    running = sum(not trial.ended for trial in tuning.trials)
    return _done(tuning) + (f", {running} running" if running else "") + _best(tuning)


def _done(tuning: Tuning) -> str:
    if tuning.kind == "in_job" and not tuning.settled and not tuning.trials:
        return f"{tuning.max_trials} trials in one job"
    ended = sum(trial.ended for trial in tuning.trials)
    failed = sum(trial.status == "Failed" for trial in tuning.trials)
    counts = ((tuning.raced, "raced out"), (failed, "failed"))
    rest = "".join(f", {count} {word}" for count, word in counts if count)
    early = ", converged" if tuning.ended_early else ""
    return f"trials {ended} of {tuning.max_trials} done{rest}{early}"


def _best(tuning: Tuning) -> str:
    if not tuning.ranked:
        return ""
    best = tuning.ranked[0]
    return f" · best {best.score:.4f} (trial {best.number})"


def trial_line(trial: Trial, folds: int) -> str:
    """``trial 3 · folds ●●●○○``"""
    done = min(trial.folds_completed, folds)
    return f"trial {trial.number} · folds {'●' * done}{'○' * (folds - done)}"


def step_detail(run: Run, step: Step) -> str:
    """What is worth knowing about a step: its trials, its outcome.

    Why it failed is told once, in full, after the run: by ``failure_of``.
    """
    if step.outcome:
        return {"True": "score is good enough", "False": "score is too low"}.get(
            step.outcome, step.outcome
        )
    tuning = _tuning_of(run, step)
    return tuning_line(tuning) if tuning else ""


def _tuning_of(run: Run, step: Step) -> Tuning | None:
    return next((t for t in run.tunings if t.job_name == step.resource_name), None)


def run_view(run: Run, now: datetime) -> RenderableType:
    """The live picture: a row for each step, the running trials under it."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for step in run.steps:
        table.add_row(
            Text(f"  {step.name}"),
            Text(step.status.lower(), style=_STYLES.get(step.status, "")),
            clock(((step.ended_at or now) - step.started_at).total_seconds())
            if step.started_at
            else "",
            Text(step_detail(run, step)),
        )
    return Group(
        table,
        *(Text(f"    {line}", style="dim") for line in _running_trials(run)),
        Text(f"  pipeline {run.status.lower()} · {clock(_elapsed(run, now))}", style="dim"),
    )


def _running_trials(run: Run) -> Iterator[str]:
    for tuning in run.tunings:
        running = [trial for trial in tuning.trials if not trial.ended]
        yield from (trial_line(trial, tuning.folds) for trial in running[:_SHOWN_TRIALS])


class PlainProgress:
    """Prints a line for each change: steps, finished trials, a better score."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._seen: dict[str, str] = {}

    def __call__(self, run: Run) -> None:
        for step in run.steps:
            tuning = _tuning_of(run, step)
            detail = "" if tuning is not None else step_detail(run, step)
            lines = [(f"step {step.name}", f"{step.status.lower()} {detail}")]
            if tuning is not None and tuning.trials:
                # without the running ones, which would make a line a second
                said = (f"tuning {tuning.candidate}", _done(tuning) + _best(tuning))
                # its last trials come before its end, and before the steps that follow
                lines.insert(0 if step.ended_at else 1, said)
            for subject, text in lines:
                self._say(subject, text)

    def _say(self, subject: str, text: str) -> None:
        if self._seen.get(subject) != text:
            self._seen[subject] = text
            self._write(f"    {subject}: {text}".rstrip())


@contextmanager
def progress(console: Console) -> Iterator[Callable[[Run], None]]:
    """A function that shows a run: a live table on a terminal, lines anywhere else."""
    if not console.is_terminal:
        yield PlainProgress(
            lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)
        )
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield lambda run: live.update(run_view(run, datetime.now(UTC)))
