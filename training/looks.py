"""What TensorBoard shows of an agent besides numbers, at the start and with each evaluation.

A batch is drawn for this alone, by a generator of its own; nothing that learns or plays is changed.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from agents.insight import insight
from agents.n_step import n_step_transition
from configs.game_list import games
from configs.games import is_atari
from evaluation.film import Film, FilmError, film_game
from evaluation.gif import write_gif_to
from evaluation.watch import PlayedGame
from replay.arrays import Window
from replay.batch_picture import batch_picture, caption
from training import dashboard
from training.dead_units import dead_shares
from training.faults import GamesFailedError, games_from_python
from training.metrics import (
    DEAD_UNITS,
    FILM,
    GRADIENTS,
    Q_VALUES,
    TD_ERRORS,
    TRANSITIONS,
    WEIGHTS,
)
from training.parts import Parts
from training.tensorboard import TensorBoard

FILM_SECONDS = 12.0
FILM_MOST_BYTES = 300_000
TRANSITIONS_SHOWN = 6
_A_LOOK = 0x6C6F6F6B  # tells these draws from others that come from the same number


class Looks:
    """Looks at an agent as it learns, for TensorBoard.

    Args:
      parts: of the run.
      preset: what its numbers began from.
      name: of the run among others.
      evaluation_seed: of the evaluation games.
    """

    def __init__(self, parts: Parts, preset: str, name: str, evaluation_seed: int) -> None:
        self._parts = parts
        self._preset = preset
        self._name = name
        self._evaluation_seed = evaluation_seed
        self._is_atari = is_atari(parts.config.game)

    def begin(self, board: TensorBoard) -> None:
        """Write what stays as it is: the layout of charts, the settings, the network's graph."""
        board.summary(dashboard.layout())
        for summary in dashboard.settings(self._parts.config, self._preset, self._name):
            board.summary(summary)
        board.graph(self._graph())
        board.flush()

    def evaluated(
        self, board: TensorBoard, iteration: int, played: Sequence[PlayedGame], *, is_best: bool
    ) -> list[str]:
        """Write shares of dead units, histograms and a picture of a batch; of a best score, a film.

        Args:
          board: where to.
          iteration: of the evaluation.
          played: its games.
          is_best: whether their mean score is greater than any before.

        Returns:
          what there is to warn of: a film that fails is no reason to end a run.
        """
        warnings = []
        self._dead_units(board, iteration)
        self._batch(board, iteration)
        if is_best and self._is_atari:
            try:
                with games_from_python():
                    self._film(board, iteration, played)
            except (FilmError, GamesFailedError) as error:
                warnings.append(str(error))
        board.flush()
        return warnings

    def _graph(self) -> tf.compat.v1.GraphDef:
        """Return how the network that learns turns observations into Q-values."""
        network = self._parts.agent.online_network
        spec = network.input_tensor_spec

        @tf.function
        def q_values(observation: tf.Tensor) -> tf.Tensor:
            return network(observation)[0]

        batch = tf.TensorSpec([None, *spec.shape], spec.dtype, name="observation")
        graph = q_values.get_concrete_function(batch).graph.as_graph_def()
        # What keeps TensorFlow's order of reads and writes says nothing of the network.
        for node in graph.node:
            data = [name for name in node.input if not name.startswith("^")]
            node.ClearField("input")
            node.input.extend(data)
        kept = [node for node in graph.node if node.op != "NoOp"]
        return tf.compat.v1.GraphDef(node=kept, versions=graph.versions)

    def _dead_units(self, board: TensorBoard, iteration: int) -> None:
        shares = dead_shares(self._parts.agent.policy, self._parts.replay.ring)
        for layer, share in shares.items():
            tag = f"{DEAD_UNITS.tag}/{layer.replace(' ', '_')}"
            one = dataclasses.replace(DEAD_UNITS, tag=tag)
            board.scalars([one], {one.name: 100 * share}, iteration)

    def _batch(self, board: TensorBoard, iteration: int) -> None:
        config = self._parts.config
        window, importance = self._parts.replay.ring.sample_aside(
            config.batch_size, config.n_step, [config.seed, iteration, _A_LOOK]
        )
        transition = n_step_transition(
            *map(tf.constant, window), discount=config.discount, reward_clip=config.reward_clip
        )
        seen = insight(self._parts.agent, transition, tf.constant(importance))
        board.histogram(Q_VALUES, seen.q_values, iteration)
        board.histogram(TD_ERRORS, seen.td_errors, iteration)
        for chart, arrays in ((WEIGHTS, seen.weights), (GRADIENTS, seen.gradients)):
            for name, values in arrays.items():
                one = dataclasses.replace(chart, tag=f"{chart.tag}/{name}")
                board.histogram(one, values, iteration)
        if self._is_atari:
            self._picture(board, iteration, window, seen.q_values, seen.td_errors)

    def _picture(
        self,
        board: TensorBoard,
        iteration: int,
        window: Window,
        q_values: np.ndarray,
        td_errors: np.ndarray,
    ) -> None:
        meanings = games()[self._parts.config.game].actions
        captions = [
            caption(
                *(window, index, meanings),
                q_value=float(q_values[index, window.action[index]]),
                td_error=float(td_errors[index]),
            )
            for index in range(min(TRANSITIONS_SHOWN, len(q_values)))
        ]
        picture, file = batch_picture(window, captions), io.BytesIO()
        picture.save(file, "png", optimize=True)
        board.picture(TRANSITIONS, file.getvalue(), picture.size, iteration)

    def _film(self, board: TensorBoard, iteration: int, played: Sequence[PlayedGame]) -> None:
        """Film the best of those games before which nothing else has to be played again."""
        first = [game for game in played if game.first_step == 0]
        best = max(first, key=lambda game: game.score)
        film = film_game(
            self._parts.config, best, seed=self._evaluation_seed, seconds_limit=FILM_SECONDS
        )
        encoded = short_gif(film, FILM_SECONDS, FILM_MOST_BYTES)
        board.picture(FILM, encoded, (film.width, film.height), iteration)


def short_gif(film: Film, seconds: float, most_bytes: int) -> bytes:
    """Return the first `seconds` as a GIF; half of them, or a quarter, until it is small enough."""
    while True:
        file = io.BytesIO()
        write_gif_to(film, file, seconds)
        if file.tell() <= most_bytes or film.limit(seconds) == 1:
            return file.getvalue()
        seconds /= 2
