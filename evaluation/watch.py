"""The watch driver: a policy plays whole games under a stated protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from tf_agents.drivers import py_driver
from tf_agents.policies import py_policy
from tf_agents.trajectories import policy_step, trajectory
from tf_agents.trajectories import time_step as ts

from configs import Config
from envs import suite

ChooseActions = Callable[[np.ndarray], Any]
"""The greedy choice: observation [MAX_SLOTS, ...] -> actions int64 [MAX_SLOTS]."""

MAX_SLOTS = 10
"""Of games side by side, and the batch in which a network is asked about any number of them: see
`asked_in_full`."""

# A setting `seed` is below 2**31; a suite seed with this bit is none that training can use.
_NOT_A_TRAINING_SEED = 1 << 31
_EVALUATION = 0x65766C


class PlayedGame(NamedTuple):
    """One whole game, and all that is needed to play it again.

    Attributes:
      number: its number among the games asked for, from 1.
      slot: which of the games side by side it was in; the emulator is made by it and the seed.
      score: sum of the raw rewards, all lives.
      agent_steps: how many actions were chosen.
      frames: ALE frames, those of the starts among them.
      history: the actions of the slot, one byte each, from the creation of its environment to this
        game's last. The step that follows a LAST begins the next game and ignores its action, which
        is here all the same: `reset(), step(history[0]), step(history[1]), ...` plays all again.
      first_step: where in `history` this game's actions begin.
      lives_lost: by which of this game's actions, from 0 on, a life was lost.
      life_scores: the score of each life, also of one that was not lost when time was up.
    """

    number: int
    slot: int
    score: float
    agent_steps: int
    frames: int
    history: bytes
    first_step: int
    lives_lost: tuple[int, ...] = ()
    life_scores: tuple[float, ...] = ()

    @property
    def actions(self) -> bytes:
        """This game's own actions, one byte each."""
        return self.history[self.first_step :]


def suite_seed(seed: int) -> int:
    """Return the seed of the environments that evaluation `seed` plays in; training has no such."""
    return int(np.random.SeedSequence([seed, _EVALUATION]).generate_state(1)[0]) | (
        _NOT_A_TRAINING_SEED
    )


def watched_config(config: Config) -> Config:
    """Return `config` with its episodes as whole games."""
    return config.replace(life_loss_terminal=False)


def play_games(
    config: Config,
    choose_actions: ChooseActions | None,
    *,
    games: int,
    epsilon: float,
    seed: int,
    observers: Sequence[Callable[[trajectory.Trajectory], Any]] = (),
    on_game: Callable[[PlayedGame], Any] | None = None,
) -> list[PlayedGame]:
    """Play `games` whole games and return them in the order of their numbers.

    The games are those of `config` (pipeline, starts, time limit), their scores raw. Up to ten are
    played side by side. Slot i of S plays games i + 1, i + 1 + S ..., however long they take:
    were a fast slot to play more of them, short games, which are bad games, would count too often.

    Same arguments, same games. A slot's games depend on its own randomness only, and more games
    continue fewer: the first 10 of 30 games are the 10 games.

    The work is done by TF-Agents' PyDriver. It runs to the end of the next game over and over,
    because its own count of episodes is the biased one.

    Args:
      config: what is played; `life_loss_terminal` is turned off.
      choose_actions: the greedy choice, asked about all slots, also about those that have played
        their games; see `asked_in_full`. Not called where every slot acts at random; None is
        allowed at epsilon 1.
      games: how many, at least 1.
      epsilon: share of actions that are random, 0 to 1.
      seed: 0 or more; no seed gives games that training plays.
      observers: called with each step's Trajectory; an exception raised there ends the games.
      on_game: called with each game when it is finished.

    Raises:
      ValueError: if `games` or `epsilon` is out of range, if `choose_actions` is None at an
        epsilon below 1, or if there is no such game.
    """
    if games < 1:
        raise ValueError(f"at least 1 game must be played, but {games} are asked for")
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must be from 0 to 1, but is {epsilon}")
    if choose_actions is None and epsilon < 1:
        raise ValueError(f"a policy is needed at epsilon {epsilon}; only 1 is all random")
    slots = min(games, MAX_SLOTS)
    env = suite.load(watched_config(config), slots, suite_seed(seed))
    with contextlib.closing(env):
        policy = EpsilonGreedyPolicy(env, choose_actions, epsilon, seed)
        time_step = env.reset()
        tally = _Tally(env, games, on_game)
        driver = py_driver.PyDriver(
            env,
            policy,
            [tally, *observers],
            max_episodes=1,
            end_episode_on_boundary=False,  # stop with the step that ends a game
        )
        while len(tally.played) < games:
            time_step, _ = driver.run(time_step)
    return sorted(tally.played, key=lambda game: game.number)


def asked_in_full(answer: Callable[[np.ndarray], Any], observation: np.ndarray) -> np.ndarray:
    """Return what `answer`, a network, says of observations, always asked about MAX_SLOTS of them.

    What it says of one depends on how many there are: a sum is taken in another order, and in
    bfloat16 Q-values differ by as much as two actions do. So the same game would go on otherwise
    alone, in a window, than beside nine others.

    Args:
      answer: observation [MAX_SLOTS, ...] -> [MAX_SLOTS, ...].
      observation: [B, ...], B at most MAX_SLOTS.

    Returns:
      the answer's first B rows.
    """
    missing = np.zeros((MAX_SLOTS - len(observation), *observation.shape[1:]), observation.dtype)
    return np.asarray(answer(np.concatenate([observation, missing])))[: len(observation)]


class EpsilonGreedyPolicy(py_policy.PyPolicy):
    """Acts at random with chance epsilon, each slot by its own generator.

    Args:
      env: what it plays in.
      choose_actions: the greedy choice; None is allowed at epsilon 1.
      epsilon: 0 to 1.
      seed: of the evaluation.
    """

    def __init__(
        self,
        env: suite.Games,
        choose_actions: ChooseActions | None,
        epsilon: float,
        seed: int,
    ) -> None:
        super().__init__(env.time_step_spec(), env.action_spec())
        self._choose_actions = choose_actions
        self._epsilon = epsilon
        self._num_actions = int(env.action_spec().maximum) + 1
        self._generators = [
            np.random.default_rng(child)
            for child in np.random.SeedSequence(suite_seed(seed)).spawn(env.batch_size)
        ]

    def _action(
        self,
        time_step: ts.TimeStep,
        policy_state: Any,
        seed: int | None = None,  # noqa: ARG002 - the generators are seeded already
    ) -> policy_step.PolicyStep:
        # Both numbers are drawn each time, so that one choice does not shift the next.
        acts_at_random = np.array([g.random() < self._epsilon for g in self._generators])
        actions = np.array([g.integers(self._num_actions) for g in self._generators])
        if not acts_at_random.all():
            assert self._choose_actions is not None
            greedy = asked_in_full(self._choose_actions, time_step.observation)
            actions = np.where(acts_at_random, actions, greedy)
        return policy_step.PolicyStep(action=actions, state=policy_state)


class _Tally:
    """An observer that keeps each slot's actions, and takes its games until its quota is full."""

    def __init__(
        self,
        env: suite.Games,
        games: int,
        on_game: Callable[[PlayedGame], Any] | None,
    ) -> None:
        slots = env.batch_size
        self._env = env
        self._on_game = on_game
        self._histories = [bytearray() for _ in range(slots)]
        self._first_steps = [0] * slots
        self._lives = env.lives()
        self._lives_lost: list[list[int]] = [[] for _ in range(slots)]
        self._life_scores: list[list[float]] = [[0.0] for _ in range(slots)]
        self._open_games = [list(range(slot + 1, games + 1, slots)) for slot in range(slots)]
        self.played: list[PlayedGame] = []

    def __call__(self, step: trajectory.Trajectory) -> None:
        for history, action in zip(self._histories, step.action.tolist(), strict=True):
            history.append(action)
        self._note_lives(step.reward)
        if not step.is_last().any():
            return
        for finished in self._env.pop_finished_games():
            history = self._histories[finished.slot]
            if self._open_games[finished.slot]:
                game = PlayedGame(
                    number=self._open_games[finished.slot].pop(0),
                    slot=finished.slot,
                    score=finished.score,
                    agent_steps=finished.agent_steps,
                    frames=finished.frames,
                    history=bytes(history),
                    first_step=self._first_steps[finished.slot],
                    lives_lost=tuple(self._lives_lost[finished.slot]),
                    life_scores=self._scores_of_lives(finished.slot),
                )
                self.played.append(game)
                if self._on_game is not None:
                    self._on_game(game)
            # The next step begins the next game, and its action is ignored.
            self._first_steps[finished.slot] = len(history) + 1
            self._lives_lost[finished.slot], self._life_scores[finished.slot] = [], [0.0]

    def _scores_of_lives(self, slot: int) -> tuple[float, ...]:
        """Return the scores of the lives lost, and of the one behind them if it was played."""
        scores, lost = self._life_scores[slot], self._lives_lost[slot]
        last = len(self._histories[slot]) - 1 - self._first_steps[slot]
        return tuple(scores[:-1] if lost and lost[-1] == last else scores)

    def _note_lives(self, rewards: np.ndarray) -> None:
        before, self._lives = self._lives, self._env.lives()
        for slot, (had, has) in enumerate(zip(before, self._lives, strict=True)):
            number = len(self._histories[slot]) - 1 - self._first_steps[slot]
            if number < 0:  # a game begins, perhaps with fewer than were left
                continue
            self._life_scores[slot][-1] += float(rewards[slot])
            if has < had:
                self._lives_lost[slot].append(number)
                self._life_scores[slot].append(0.0)
