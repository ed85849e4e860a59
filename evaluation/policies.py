"""Exported policies: found, checked without TensorFlow, and loaded as the greedy choice.

An export is a folder with a PolicySaver SavedModel and `config.json` in it:

    {"format": 1, "config": {...}, "iteration": 50000, "score": 31.4, "versions": {...},
     "files": {"saved_model.pb": 2187345, ...}}

`files` has the CRC-32 of each file of the SavedModel; exports of older programs have none. A
SavedModel is a program: play only policies that you trust (docs/reliability.md).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs import Config
from console.errors import UserError
from evaluation.files import check_checksums, read_object

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

FORMAT = 1
CONFIG_FILE = "config.json"
MODEL_FILE = "saved_model.pb"
# In a run's folder, in the order they are taken.
POLICIES_OF_A_RUN = ("policies/best", "policies/last")
# In the box: pretrained/<game>/policy, beside the report and the curve of its training.
PRETRAINED = Path(__file__).parent.parent / "pretrained"

_OBSERVATION = "0/observation"  # PolicySaver's name of it in the signature "action"
_TRAIN_ONE = "python train.py trains one"


class PolicyError(UserError, ValueError):
    """An exported policy is missing or broken; the message says which and what to do."""


@dataclasses.dataclass(frozen=True)
class PolicyCard:
    """What stands in an export's `config.json`.

    Attributes:
      folder: the export.
      config: the run's settings.
      iteration: how long it was trained.
      score: mean score in the evaluation that it was exported after, None if there was none.
      versions: of the packages that wrote it.
      files: CRC-32 of each file of the SavedModel, by name; None: not known.
    """

    folder: Path
    config: Config
    iteration: int
    score: float | None
    versions: dict[str, str]
    files: dict[str, int] | None = None


@dataclasses.dataclass(frozen=True)
class ExportedPolicy:
    """A loaded policy: call it with observations for the greedy actions.

    Attributes:
      card: where it comes from.
      choose_actions: observation [B, ...], as the game shows it -> actions int64 [B].
      q_values: the same observation -> float32 [B, A]; None in exports from before they had them.
    """

    card: PolicyCard
    choose_actions: Callable[[np.ndarray], np.ndarray]
    q_values: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def config(self) -> Config:
        """The settings of the run it was trained in."""
        return self.card.config

    @property
    def iteration(self) -> int:
        """How long it was trained."""
        return self.card.iteration

    def __call__(self, observation: np.ndarray) -> np.ndarray:
        """Return the greedy actions, int64 [B], for observations [B, ...]."""
        return self.choose_actions(observation)


def find_policy(
    run: str | Path | None = None,
    policy: str | Path | None = None,
    runs_folder: str | Path = "runs",
) -> Path:
    """Return the folder of an exported policy.

    Args:
      run: a run's folder: its best policy, else its last one.
      policy: an export's folder, which wins.
      runs_folder: where neither is given: the newest run in here that has a policy.

    Raises:
      PolicyError: if there is none.
    """
    if policy is not None:
        return Path(policy)
    if run is not None:
        run = Path(run)
        if not run.is_dir():
            raise PolicyError(f"there is no run's folder {run}; name one that exists")
        found = _policy_of_run(run)
        if found is None:
            raise PolicyError(
                f"the run {run} has exported no policy yet (neither {run / POLICIES_OF_A_RUN[0]} "
                f"nor {run / POLICIES_OF_A_RUN[1]}); train it further, or name another run"
            )
        return found
    runs_folder = Path(runs_folder)
    runs = list(runs_folder.iterdir()) if runs_folder.is_dir() else []
    found = _policy_of_run(max(runs, key=_newest_export_ns)) if runs else None
    if found is None:
        raise PolicyError(
            f"no run in the folder {runs_folder} has a policy; {_TRAIN_ONE}, and --run or "
            "--policy name one elsewhere"
        )
    return found


def find_either(folder: str | Path) -> Path:
    """Return `folder` if it is an export, else the policy of the run that it is.

    Raises:
      PolicyError: if there is none.
    """
    if (Path(folder) / MODEL_FILE).is_file():
        return Path(folder)
    return find_policy(run=folder)


def find_pretrained(game: str, folder: Path = PRETRAINED) -> Path:
    """Return the policy of `game` that comes with this program.

    Raises:
      PolicyError: if there is none; the message names the games that have one.
    """
    found = folder / game / "policy"
    if (found / MODEL_FILE).is_file():
        return found
    games = sorted(path.parent.parent.name for path in folder.glob(f"*/policy/{MODEL_FILE}"))
    there = f"there is one for {', '.join(games)}" if games else f"the folder {folder} has none"
    raise PolicyError(f"no pretrained policy for {game!r} comes with this program; {there}")


def _policy_of_run(run: Path) -> Path | None:
    for name in POLICIES_OF_A_RUN:
        if (run / name / MODEL_FILE).is_file():
            return run / name
    return None


def _newest_export_ns(run: Path) -> int:
    """Return when a run has last exported a policy, 0 if never; its best may be an old one."""
    models = (run / name / MODEL_FILE for name in POLICIES_OF_A_RUN)
    return max((model.stat().st_mtime_ns for model in models if model.is_file()), default=0)


def read_card(folder: str | Path) -> PolicyCard:
    """Read what an export says of itself; TensorFlow is not needed for this.

    Raises:
      PolicyError: if the folder or the SavedModel is missing, or `config.json` is broken.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PolicyError(f"there is no policy's folder {folder}; {_TRAIN_ONE}")
    if not (folder / MODEL_FILE).is_file():
        inside = [name for name in POLICIES_OF_A_RUN if (folder / name / MODEL_FILE).is_file()]
        hint = f"; {folder} is a run's folder, so take --run" if inside else f"; {_TRAIN_ONE}"
        raise PolicyError(f"there is no policy in the folder {folder} ({MODEL_FILE}){hint}")
    path = folder / CONFIG_FILE
    try:
        return _card(folder, read_object(path))
    except FileNotFoundError:
        raise PolicyError(
            f"{path} is missing, which says how the policy was trained; export it again"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise PolicyError(f"{path} is broken: {reason}; export the policy again") from error


def _card(folder: Path, values: dict[str, Any]) -> PolicyCard:
    if values["format"] != FORMAT:
        raise ValueError(f"its format is {values['format']!r}, and this program reads {FORMAT}")
    for name in ("config", "versions", "files"):
        if not isinstance(values.get(name, {} if name != "config" else None), dict):
            raise TypeError(f"{name} is no JSON object")
    files = values.get("files")
    if files is not None and MODEL_FILE not in files:
        raise ValueError(f"files has no {MODEL_FILE}")
    iteration, score = values["iteration"], values.get("score")
    if type(iteration) is not int or iteration < 0:
        raise ValueError(f"iteration must be a whole number from 0, but is {iteration!r}")
    if score is not None and (type(score) not in (int, float) or not math.isfinite(score)):
        raise ValueError(f"score must be a number or null, but is {score!r}")
    config = Config.from_dict(values["config"])
    return PolicyCard(folder, config, iteration, score, values.get("versions", {}), files)


def load_policy(folder: str | Path) -> ExportedPolicy:
    """Load an exported policy; its `config.json` is checked before TensorFlow is imported.

    Raises:
      PolicyError: as `read_card`, and if the SavedModel cannot be loaded or does not answer.
    """
    card = read_card(folder)
    try:
        check_checksums(card.folder, card.files or {})
    except (OSError, ValueError) as error:
        raise PolicyError(
            f"the policy in {card.folder} is damaged ({error}); copy or export it again"
        ) from error
    import numpy as np

    try:
        choose_actions, q_values, spec = _functions(card.folder)
        answer = choose_actions(np.zeros((1, *spec.shape[1:]), spec.dtype.as_numpy_dtype))
    except Exception as error:  # whatever TensorFlow and protobuf throw at a broken file
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise PolicyError(
            f"the policy in {card.folder} cannot be loaded ({reason}); copy or export it again"
        ) from error
    if answer.shape != (1,) or answer.dtype != np.int64:
        raise PolicyError(
            f"the policy in {card.folder} answers one observation with {answer.dtype} "
            f"{list(answer.shape)} instead of int64 [1]; export it with this program"
        )
    return ExportedPolicy(card, choose_actions, q_values)


def _functions(
    folder: Path,
) -> tuple[
    Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray] | None, tf.TensorSpec
]:
    """Load the SavedModel as functions of observations: actions, Q-values; and their spec [B, ...].

    TF-Agents' SavedModelPyTFEagerPolicy would do, but takes a whole TimeStep apart for every call;
    a tf.function that makes the TimeStep in the graph is faster.
    """
    import tensorflow as tf

    from evaluation.time_steps import in_a_game

    policy = tf.saved_model.load(str(folder))

    _, inputs = policy.signatures["action"].structured_input_signature
    (spec,) = (given for given in inputs.values() if given.name == _OBSERVATION)

    @tf.function(input_signature=[spec])
    def greedy(observation: tf.Tensor) -> tf.Tensor:
        return policy.action(in_a_game(observation)).action

    def choose_actions(observation: np.ndarray) -> np.ndarray:
        return greedy(tf.constant(observation)).numpy()

    def q_values(observation: np.ndarray) -> np.ndarray:
        return policy.q_values(tf.constant(observation)).numpy()

    # training/export.py says what is beside TF-Agents' own functions.
    return choose_actions, q_values if hasattr(policy, "q_values") else None, spec
