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
    "graphs": "all('g.node').length > 1",
}
SIZES = {"hparams": (1_900, 420), "graphs": (1_280, 620)}


def unfold_the_network(page: Page) -> None:
    """Show what is in TensorBoard's picture of the network."""
    settle(page)
    network = "all('g.node').find(g => g.getAttribute('data-name') == 'QNetwork')"
    page.evaluate(
        f"{network}.querySelector('.nodecolortarget')"
        ".dispatchEvent(new MouseEvent('dblclick', {bubbles: true}))"
    )
    page.wait_for("all('g.node').some(g => g.getAttribute('data-name').startsWith('QNetwork/'))")


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
