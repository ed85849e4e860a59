"""The training loop with parts that leave a tape, so that its whole order can be read."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import tensorflow as tf

from configs import Config
from console.errors import UserError
from evaluation.watch import PlayedGame
from training.faults import GamesFailedError
from training.loop import Training
from training.milestones import evaluation_seed
from training.progress import Progress
from training.stop import StopSignal
from training.time_spent import TimeSpent

_SEC_PER_ITERATION = 0.3  # so that a stretch of a second is 3 iterations


class _Tape:
    """Every part of a run at once: each writes on `lines` what it was asked for."""

    def __init__(self, config: Config, progress: Progress, stop: StopSignal) -> None:
        self.config = config
        self.progress = progress
        self.stop = stop
        self.lines: list[str] = []
        self.times_ahead = 0
        self.now = 0.0
        self.scores = [1.0]  # of the evaluations to come; the last for ever
        self.exported_score: float | None = None  # of the best policy, from before a kill
        self.steps = 0
        self.weight = tf.Variable([1.0, 2.0])
        self.on_train: Callable[[int], None] = lambda _: None
        # The parts themselves.
        self.agent = self.policy = self.wrapped_policy = self.env = self.replay = self.ring = self
        self.time_spent = TimeSpent()
        self.epsilon, self.learning_rate, self.num_kept = 0.5, 1e-3, 7

    # parts.Parts
    def variables(self) -> list[tf.Variable]:
        return [self.weight]

    def pop_finished_games(self) -> list[Any]:
        return []

    def agent_steps(self) -> int:
        return self.steps

    def collect_at_random(self, until: int) -> None:
        self.lines.append(f"random until {until}")
        self.steps = until

    def iterate(self, count: int) -> dict[str, float]:
        self.lines.append(f"train {count}")
        self.steps += 4 * count
        self.now += count * _SEC_PER_ITERATION
        self.on_train(count)
        return {"loss": 1.0}

    # time
    def monotonic(self) -> float:
        return self.now

    # log.RunLog
    def games(self, games: Sequence[object]) -> None:
        assert not games

    def begin_training(self, agent_steps: int) -> None:
        self.lines.append(f"begin at {agent_steps}")

    def iterations(self, *_: object) -> None:
        pass

    def row(self, agent_steps: int, state: dict[str, float]) -> None:
        assert agent_steps == self.steps
        assert state == {"epsilon": 0.5, "learning_rate": 1e-3, "replay_transitions": 7}
        self.lines.append(f"row {self.progress.iteration}")
        self.progress.begin_row()

    def evaluation(self, results: dict[str, float], games: Sequence[PlayedGame]) -> None:
        assert len(games) == self.config.eval_games == results["games"]
        self.lines.append(f"evaluation {self.progress.iteration}: {results['score_mean']:g}")

    def say(self, sentence: str) -> None:
        pass

    def sync(self) -> dict[str, int]:
        return {"metrics.csv": 70}

    # evaluation.watch
    def play_games(
        self,
        config: Config,
        choose_actions: object,
        *,
        games: int,
        epsilon: float,
        seed: int,
        observers: Sequence[Callable[[object], None]],
    ) -> list[PlayedGame]:
        assert (config, epsilon) == (self.config, config.eval_epsilon)
        assert seed == evaluation_seed(config.seed)
        self.lines.append("play")
        observers[0](None)  # which asks whether to stop
        score = self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]
        return [PlayedGame(n, 0, score, 10, 40, b"", 0) for n in range(1, games + 1)]

    # checkpoint.Checkpoints and export.Exporter
    def write_ahead(self) -> None:
        self.times_ahead += 1

    def save(self, iteration: int, state: dict[str, Any]) -> None:
        assert state == {"progress": self.progress.to_dict(), "csv_bytes": {"metrics.csv": 70}}
        assert state["progress"]["checkpoint_iteration"] == iteration == self.progress.iteration
        self.lines.append(f"save {iteration}")

    def diverged(self, what: str, when: str) -> UserError:
        return UserError(f"{what} diverged {when}")

    def score_of(self, name: str) -> float | None:
        assert name == "best"
        return self.exported_score

    def export(self, name: str, iteration: int, score: float | None) -> None:
        self.lines.append(f"export {name} {iteration} {score}")


_CONFIG = Config(
    iterations=12,
    log_period=5,
    eval_period=6,
    checkpoint_period=8,
    eval_games=2,
    initial_collect_steps=3_000,
)


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Callable[..., _Tape]:
    """Return a function that makes a tape of a config and a progress."""

    def new(config: Config = _CONFIG, progress: Progress | None = None) -> _Tape:
        tape = _Tape(config, progress or Progress(), StopSignal())
        monkeypatch.setattr("training.loop.time", tape)
        monkeypatch.setattr("training.milestones.play_games", tape.play_games)
        return tape

    return new


def _run(tape: Any) -> list[str]:
    Training(tape, tape.progress, tape, tape, tape, tape.stop).run()
    lines: list[str] = tape.lines
    return lines


def test_the_whole_story(tape: Callable[..., _Tape]) -> None:
    story = tape()
    assert _run(story) == [
        "random until 2000",
        "random until 3000",
        "begin at 3000",
        "train 1",  # the first stretch: nobody knows yet how long an iteration takes
        "train 3",
        "train 1",
        "row 5",
        "train 1",
        *["play", "evaluation 6: 1", "export best 6 1.0"],
        "train 2",
        *["save 8", "export last 8 None"],
        "train 2",
        "row 10",
        "train 2",
        *["play", "evaluation 12: 1"],  # no better than the best
        "row 12",
        *["save 12", "export last 12 None"],
    ]
    assert story.times_ahead == 2 + 7  # after each stretch, at random and not


def test_the_best_policy_is_that_of_the_greatest_score(tape: Callable[..., _Tape]) -> None:
    watched = tape(_CONFIG.replace(eval_period=3))
    watched.scores = [2.0, 1.0, 2.5, 2.5]
    exports = [line for line in _run(watched) if line.startswith("export best")]
    assert exports == ["export best 3 2.0", "export best 9 2.5"]
    assert watched.progress.best_score == 2.5


def test_what_a_kill_let_be_forgotten_is_not_lost_for_less(tape: Callable[..., _Tape]) -> None:
    killed = tape(_CONFIG.replace(eval_period=3))
    killed.scores, killed.exported_score = [2.0, 3.0, 4.0, 4.0], 3.0
    assert [line for line in _run(killed) if "best" in line] == ["export best 9 4.0"]


def test_a_resumed_run_remembers_the_best(tape: Callable[..., _Tape]) -> None:
    watched = tape(progress=Progress(iteration=11, best_score=1.5, evaluated_iteration=6))
    assert "evaluation 12: 1" in _run(watched)
    assert "export best 12 1.0" not in watched.lines


def test_games_that_fail_in_an_evaluation_are_told_from_a_bug(
    tape: Callable[..., _Tape], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the emulator died")

    failing = tape()
    monkeypatch.setattr("training.milestones.play_games", fail)
    with pytest.raises(GamesFailedError, match="the emulator died"):
        _run(failing)


def test_no_evaluation_is_played_where_none_is_wanted(tape: Callable[..., _Tape]) -> None:
    lines = _run(tape(_CONFIG.replace(eval_period=0)))
    assert "play" not in lines
    assert lines[-3:] == ["row 12", "save 12", "export last 12 None"]


def test_a_stop_in_random_play_saves_what_was_collected(tape: Callable[..., _Tape]) -> None:
    stopped = tape()
    stopped.stop.number = signal.SIGINT
    assert _run(stopped) == ["begin at 0", "save 0", "export last 0 None"]


def test_a_stop_ends_the_run_after_the_stretch(tape: Callable[..., _Tape]) -> None:
    stopped = tape(_CONFIG.replace(initial_collect_steps=100))

    def stop(count: int) -> None:
        if stopped.progress.iteration + count == 4:
            stopped.stop.number = signal.SIGTERM

    stopped.on_train = stop
    assert _run(stopped) == [
        "random until 100",
        "begin at 100",
        "train 1",
        "train 3",
        *["save 4", "export last 4 None"],  # rows and evaluations come when they are due
    ]


def test_an_evaluation_that_a_stop_cut_short_is_played_after_the_resume(
    tape: Callable[..., _Tape],
) -> None:
    config = _CONFIG.replace(initial_collect_steps=100)
    stopped = tape(config)

    def stop(count: int) -> None:
        if stopped.progress.iteration + count == 6:
            stopped.stop.number = signal.SIGINT

    stopped.on_train = stop
    assert _run(stopped)[-4:] == ["train 1", "play", "save 6", "export last 6 None"]
    assert stopped.progress.evaluated_iteration == 0
    resumed = tape(config, Progress(**stopped.progress.to_dict()))
    resumed.steps = 124
    assert _run(resumed)[:5] == [
        "begin at 124",
        *["play", "evaluation 6: 1", "export best 6 1.0"],
        "train 1",
    ]


def test_the_last_evaluation_is_played_after_a_resume_too(tape: Callable[..., _Tape]) -> None:
    progress = Progress(iteration=12, evaluated_iteration=6, logged_iteration=12)
    lines = _run(tape(_CONFIG.replace(initial_collect_steps=1), progress))
    assert lines.count("play") == 1
    assert lines[-3:] == ["export best 12 1.0", "save 12", "export last 12 None"]
    assert not [line for line in lines if line.startswith("train")]


def test_shorter_periods_after_a_resume_are_kept_from_there_on(tape: Callable[..., _Tape]) -> None:
    config = _CONFIG.replace(log_period=2, eval_period=2, checkpoint_period=2, iterations=8)
    resumed = tape(config, Progress(iteration=5, checkpoint_iteration=5))
    resumed.steps = 3_020
    assert _run(resumed) == [
        "begin at 3020",
        *["play", "evaluation 5: 1", "export best 5 1.0"],  # 2 and 4 have gone by
        "train 1",
        *["row 6", "play", "evaluation 6: 1", "save 6", "export last 6 None"],
        "train 2",
        *["row 8", "play", "evaluation 8: 1", "save 8", "export last 8 None"],
        *["save 8", "export last 8 None"],
    ]


def test_a_finished_run_that_goes_on_is_trained_no_further(tape: Callable[..., _Tape]) -> None:
    done = Progress(iteration=12, evaluated_iteration=12, logged_iteration=12)
    resumed = tape(progress=done)
    resumed.steps = 3_048
    assert _run(resumed) == ["begin at 3048", "save 12", "export last 12 None"]


def test_a_slow_iteration_is_a_stretch_of_its_own(tape: Callable[..., _Tape]) -> None:
    slow = tape(_CONFIG.replace(iterations=3, eval_period=0))

    def take_a_minute(count: int) -> None:
        slow.now += 60 * count

    slow.on_train = take_a_minute
    assert [line for line in _run(slow) if line.startswith("train")] == ["train 1"] * 3


def test_a_weight_that_is_nan_ends_the_run_before_it_spreads(tape: Callable[..., _Tape]) -> None:
    diverged = tape(progress=Progress(iteration=8, checkpoint_iteration=8))
    diverged.steps = 3_000
    diverged.on_train = lambda _: diverged.weight.assign([1.0, float("nan")])
    with pytest.raises(UserError, match=r"^a weight diverged after iteration 9$"):
        _run(diverged)
    assert diverged.lines[-1] == "train 1"  # nothing is evaluated, exported or saved


def test_a_loss_that_is_nan_ends_the_run(tape: Callable[..., _Tape]) -> None:
    diverged = tape(progress=Progress(iteration=8, checkpoint_iteration=8))

    def fail(_: int) -> None:
        raise tf.errors.InvalidArgumentError(None, None, "Loss is inf or nan : Tensor had NaN")

    diverged.on_train = fail
    with pytest.raises(UserError, match=r"^the loss diverged after iteration 8$"):
        _run(diverged)
    assert diverged.lines[-1] == "train 1"


def test_another_error_is_no_divergence(tape: Callable[..., _Tape]) -> None:
    broken = tape()

    def fail(_: int) -> None:
        raise tf.errors.InvalidArgumentError(None, None, "a bug")

    broken.on_train = fail
    with pytest.raises(tf.errors.InvalidArgumentError, match="a bug"):
        _run(broken)


def test_deterministic_stretches_do_not_hang_on_where_a_run_was_stopped(
    tape: Callable[..., _Tape],
) -> None:
    config = _CONFIG.replace(
        deterministic=True, iterations=180, log_period=1_000, eval_period=0, checkpoint_period=1_000
    )
    resumed = tape(config, Progress(iteration=70, checkpoint_iteration=70))
    resumed.steps = 3_280
    trained = [line for line in _run(resumed) if line.startswith("train")]
    assert trained == ["train 30", "train 50", "train 30"]
