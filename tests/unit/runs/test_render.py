"""What a run looks like on a terminal and in a log."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from tests.unit.report.builders import HOSTILE, at, random_trials, run, trial, tuning
from warmfold.runs.records import Run, Step
from warmfold.runs.render import PlainProgress, clock, progress, run_view, trial_line, tuning_line


@pytest.mark.parametrize(
    "seconds, shown",
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (42.4, "42 s"), (75.2, "1:15"), (3600, "60:00")],
)
def test_times_are_short(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_an_unknown_time_is_blank() -> None:
    assert clock(None) == ""


def test_a_search_counts_done_failed_and_running_trials() -> None:
    trials = (
        trial(1, (0.7, 0.7, 0.7, 0.7, 0.7)),
        trial(2, (), status="Failed", score=None),
        trial(3, (0.9,), status="InProgress", score=None, ended_at=None),
    )
    line = tuning_line(tuning(trials))
    assert line == "trials 2 of 12 done, 1 failed, 1 running · best 0.7000 (trial 1)"


def test_a_running_trial_shows_its_folds() -> None:
    running = trial(3, (0.9, 0.8), status="InProgress")
    assert trial_line(running, 5) == "trial 3 · folds ●●○○○"


def running_run() -> Run:
    trials = (*random_trials(2), trial(3, (0.7,), status="InProgress", score=None))
    base = run(trials, status="Executing", ended_at=None)
    steps = (
        *base.steps[:1],
        replace(base.steps[1], status="Executing", ended_at=None, resource="x/tuning-job"),
        Step(name=f"[bold]{HOSTILE}", kind="Lambda", status="Failed", failure_reason="why"),
    )
    return replace(base, steps=steps)


def test_the_live_view_has_steps_trials_and_elapsed_time() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(run_view(running_run(), at(42)))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "BuildFeatures" in shown
    assert "trials 2 of 12 done, 1 running" in shown
    assert "trial 3 · folds ●○○○○" in shown
    assert "pipeline executing · 42 s" in shown
    assert f"[bold]{HOSTILE}" in shown


def test_plain_progress_prints_each_change_once() -> None:
    lines: list[str] = []
    show = PlainProgress(lines.append)
    show(running_run())
    first = list(lines)
    show(running_run())
    assert lines == first
    assert any("tuning lightgbm: trials 2 of 12 done" in line for line in lines)
    show(run(random_trials(3), status="Succeeded"))
    assert len(lines) > len(first)


def test_without_a_terminal_there_are_lines_and_no_control_codes() -> None:
    console = Console(file=io.StringIO(), width=80)
    with progress(console) as show:
        show(running_run())
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert "step BuildFeatures: succeeded" in written
    assert "\x1b" not in written
    assert f"[bold]{HOSTILE}" in written


def test_why_a_step_failed_is_left_to_the_error_that_follows() -> None:
    lines: list[str] = []
    PlainProgress(lines.append)(running_run())
    assert lines[-1] == f"    step [bold]{HOSTILE}: failed"


def test_a_searchs_last_line_comes_before_its_end_and_before_later_steps() -> None:
    lines: list[str] = []
    show = PlainProgress(lines.append)
    show(running_run())
    assert lines[1] == "    step Tune-lightgbm: executing"
    assert lines[2].startswith("    tuning lightgbm: trials 2 of 12 done")
    del lines[:]
    ended = run(random_trials(3))
    search = replace(ended.steps[1], resource="x/tuning-job")
    show(replace(ended, steps=(ended.steps[0], search, *ended.steps[2:])))
    assert lines[0].startswith("    tuning lightgbm: trials 3 of 12 done")
    assert lines[1] == "    step Tune-lightgbm: succeeded"
    assert lines[2] == "    step SelectBestTrial: succeeded"


def test_on_a_terminal_the_table_is_live() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with progress(console) as show:
        show(running_run())
    assert "BuildFeatures" in console.file.getvalue()  # type: ignore[attr-defined]
