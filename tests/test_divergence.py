"""What is said when a number became infinite or NaN: what is left, and the command that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs import Config
from configs.policy_gradient import PolicyGradientConfig
from configs.programs import POLICY_GRADIENT
from training.divergence import diverged
from training.run_folder import RunFolder

_WHAT = ("the loss", "after iteration 9")
_SAID = "the loss became infinite or NaN after iteration 9; "


@pytest.mark.parametrize(
    ("reward_clip", "end"), [(1.0, ""), (0.0, ", or start again with --reward_clip=1")]
)
def test_the_newest_checkpoint_and_the_command_are_named(
    tmp_path: Path, reward_clip: float, end: str
) -> None:
    run = RunFolder(tmp_path / "my run")
    config = Config(reward_clip=reward_clip)
    assert str(diverged(*_WHAT, config, run)) == (
        f"{_SAID}there is no checkpoint yet; start again with --learning_rate=0.0004{end}"
    )
    for iteration in (0, 8):  # of a stop in random play, the first
        (run.checkpoints / f"{iteration:09}").mkdir(parents=True)
        assert str(diverged(*_WHAT, config, run)) == (
            f"{_SAID}checkpoint {iteration} is kept; go on with: python train.py "
            f"--logdir '{tmp_path}/my run' --resume --learning_rate=0.0004{end}"
        )


def test_the_program_is_the_runs(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, POLICY_GRADIENT.command)
    (run.checkpoints / "000000008").mkdir(parents=True)
    said = str(diverged(*_WHAT, PolicyGradientConfig(learning_rate=0.01), run))
    assert f"python -m policy_gradient --logdir {tmp_path} --resume --learning_rate=0.005" in said
