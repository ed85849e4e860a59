"""Takes pictures of TensorBoard for docs/watching.md: `python tests/screenshots.py LOGDIR TAB...`.

LOGDIR is a run's folder, or one of several. A tab is what stands behind # in TensorBoard's address;
its picture becomes docs/watching/tensorboard-TAB.png.
"""

from __future__ import annotations

import sys
from pathlib import Path

from browser import Page, opened
from tensorboard_server import served

FOLDER = Path(__file__).parents[1] / "docs/watching"

# What is on the page when it is complete.
READY = {
    "timeseries": "all('line-chart').length > 2",
    "custom_scalars": "texts(document.body).split('Matches (').length > 7",
    "images": "all('img').filter(i => i.complete && i.naturalWidth > 100).length > 1",
    "histograms": "all('path').length > 40",
    "hparams": "all('vaadin-grid-cell-content').length > 10",
    "graphs": "all('text').some(t => t.textContent.trim().startsWith('QNetwork'))",
}
SIZES = {"hparams": (1_280, 420), "graphs": (1_280, 620)}


def unfold_the_network(page: Page) -> None:
    """Show the layers in TensorBoard's picture of the network."""
    for name in ("QNetwork", "EncodingNetwork"):
        page.wait_for(f"all('text').some(t => t.textContent.trim().startsWith('{name}'))")
        page.evaluate(
            f"all('g.node').filter(g => g.getAttribute('data-name').split('/').pop() == '{name}')"
            ".forEach(g => g.querySelector('.nodecolortarget')"
            ".dispatchEvent(new MouseEvent('dblclick', {bubbles: true})))"
        )
    page.wait_for("all('text').some(t => t.textContent.trim().startsWith('conv2d'))")
    page.click("*", "Fit to screen")


def settle(page: Page) -> None:
    """Wait until nothing moves any more."""
    page.evaluate("new Promise(done => setTimeout(() => done(true), 4000))")


def main() -> None:
    """Take the pictures that are asked for."""
    logdir, *tabs = sys.argv[1:]
    with served(Path(logdir)) as address:
        for tab in tabs:
            with opened(f"{address}/#{tab}", SIZES.get(tab, (1_280, 860))) as page:
                page.wait_for(READY[tab])
                if tab == "graphs":
                    unfold_the_network(page)
                settle(page)
                page.screenshot(FOLDER / f"tensorboard-{tab}.png")


if __name__ == "__main__":
    main()
