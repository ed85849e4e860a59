"""The arithmetic of the benchmarks; the times themselves are for a reader, not for a test."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from module_program import finished

from benchmarks import (
    chart,
    checkpoint,
    collection,
    machine,
    measurement,
    memories,
    race,
    replay,
    sb3_loop,
    stock_loop,
    throughput,
)
from benchmarks.collection_rates import CollectionRates
from benchmarks.measurement import Measurement, Times, chunk_lengths, time_iterations
from benchmarks.replay_memory import MemoryMeasurement
from console.errors import UserError

ROOT = Path(__file__).parent.parent


def measured(
    name: str,
    total_ms: list[float],
    collect_ms: list[float] | None = None,
    precision: str = "float32",
) -> Measurement:
    return Measurement(
        name=name,
        device="CPU",
        precision=precision,
        setting="1 game",
        batch_size=64,
        iterations=100,
        times=Times(total_ms, collect_ms),
        replay_bytes=700_000_000,
        resident_bytes=1_500_000_000,
        peak_bytes=1_600_000_000,
    )


# The machine was twice as slow in the second round.
RACE = [
    [measured("stock", [80.0]), measured("same", [40.0]), measured("default", [50.0])],
    [measured("stock", [160.0]), measured("same", [80.0]), measured("default", [80.0])],
]
# Of the floor of 32 ms, 2 are the emulator's.
FLOORS = [
    [measured("floor", [32.0], [2.0]), measured("double", [40.0], [2.0])],
    [measured("floor", [50.0], [4.0]), measured("double", [50.0], [4.0])],
]
WITH_FLOORS = [racers + floors for racers, floors in zip(RACE, FLOORS, strict=True)]


def last_words(lines: list[str], label: str, count: int) -> list[str]:
    return next(line for line in lines if label in line).split()[-count:]


@pytest.mark.parametrize(
    ("iterations", "lengths"),
    [(1, [1]), (25, [25]), (60, [30, 30]), (76, [26, 25, 25]), (300, [25] * 12)],
)
def test_chunks_are_equal_and_complete(iterations: int, lengths: list[int]) -> None:
    assert chunk_lengths(iterations) == lengths


def test_measurement_survives_its_line() -> None:
    run = measured("one", [40.0, 20.0, 30.0])
    assert Measurement.from_values(json.loads(run.to_json())) == run
    assert (run.ms_per_iteration, run.fastest_ms) == (30.0, 20.0)
    assert run.frames_per_second == pytest.approx(16 / 0.030)


def test_ratios_are_taken_within_a_round() -> None:
    assert race.ratios(RACE) == [[1.0, 1.0], [2.0, 2.0], [1.6, 2.0]]
    assert race.fastest_ratios(RACE) == [1.0, 2.0, 1.6]
    table = race.table_lines(RACE)
    assert last_words(table, "median of the rounds", 3) == ["1.00", "2.00", "1.80"]
    assert "0.70 GB" in "\n".join(table)


def test_a_race_survives_its_file() -> None:
    assert race.rounds_of(json.loads(json.dumps(race.summary(RACE)))) == RACE


def test_distance_to_the_floor_is_that_of_each_algorithm() -> None:
    # 40 / 32 and 80 / 50; 50 / 40 and 80 / 50.
    assert throughput.floor_ratios(WITH_FLOORS) == [[1.25, 1.6], [1.25, 1.6]]
    table = throughput.floor_lines(WITH_FLOORS)
    assert last_words(table, "training step", 2) == ["38.0", "42.0"]  # medians of 30, 46; 38, 46
    assert last_words(table, "bare emulator", 2) == ["3.0", "3.0"]
    assert last_words(table, "times the floor", 2) == ["1.43", "1.43"]


@pytest.mark.parametrize(
    ("batch_size", "ms", "line"),
    [
        (32, [2.0, 2.5, 4.0], "6,400 frames/s (bar 6,200: met)"),  # 16 frames in 2.5 ms
        (32, [2.0, 3.2, 4.0], "5,000 frames/s (bar 6,200: not met)"),
        (64, [2.0, 2.5, 4.0], "6,400 frames/s (its bar is for --batch_size=32)"),
    ],
)
def test_a_gpu_is_named_and_judged(
    batch_size: int, ms: list[float], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"a {kind}"])
    details = {"device_name": "Some GPU"}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    one = dataclasses.replace(
        measured("default", [1.0]), device=measurement.device(), batch_size=batch_size
    )
    rounds = [
        [*RACE[0][:2], dataclasses.replace(one, times=Times([time], None)), *FLOORS[0]]
        for time in ms
    ]
    assert throughput.gpu_lines(rounds) == [f"on Some GPU: default, batch {batch_size}, {line}"]


def test_without_a_gpu_there_is_no_line_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    assert measurement.device() == "CPU"
    assert throughput.gpu_lines(WITH_FLOORS) == []


def test_the_floor_has_the_precision_of_its_racer(monkeypatch: pytest.MonkeyPatch) -> None:
    tape: list[tuple[str, ...]] = []

    def run(contender: race.Contender, flag_values: Sequence[str]) -> dict[str, Any]:
        tape.append((contender.module, *contender.flag_values, *flag_values))
        precision = "bfloat16" if "--like=stock" in contender.flag_values else "float32"
        return measured(contender.module, [1.0], precision=precision).summary()

    monkeypatch.setattr(race, "run", run)
    racers = (*throughput.RACERS, *throughput.FLOORS)
    results = race.race(1, racers, ["--batch_size=8"], lambda _: None)
    assert tape == [
        ("benchmarks.stock_loop", "--batch_size=8"),
        ("benchmarks.project_loop", "--like=stock", "--batch_size=8"),
        ("benchmarks.project_loop", "--like=double", "--batch_size=8"),
        ("benchmarks.floor", "--precision=bfloat16", "--batch_size=8"),
        ("benchmarks.floor", "--precision=float32", "--double", "--batch_size=8"),
    ]
    assert [len(runs) for runs in results] == [5]


def test_summary_of_a_race_keeps_the_floor_apart() -> None:
    rates = CollectionRates("CPU", [2.0, 4.0], [1.0, 3.0], [1.0, 1.0], 0.01)
    values = json.loads(json.dumps(throughput.summary({}, WITH_FLOORS, rates)))
    assert race.rounds_of(values) == RACE
    assert values["median_ratios"] == [1.0, 2.0, pytest.approx(1.8)]
    assert [[one["name"] for one in runs] for runs in values["floor_rounds"]] == [
        ["floor", "double"]
    ] * 2
    assert values["collection"]["shares"] == {"at_random": [0.5, 0.75], "acting": [0.5, 0.25]}


def test_collection_is_compared_within_a_chunk() -> None:
    rates = CollectionRates("CPU", [2_000.0, 4_000.0], [1_800.0, 2_400.0], [1_000.0] * 2, 0.01)
    table = collection.table_lines(rates)
    assert last_words(table, "share of", 3) == ["1.00", "0.75", "0.38"]  # 0.9, 0.6; 0.5, 0.25
    assert last_words(table, "ALE frames", 3) == ["12,000", "8,400", "4,000"]


def test_growth_is_compared_within_a_chunk() -> None:
    times = {"small_ms": [10.0, 20.0, 40.0], "large_ms": [11.0, 24.0, 40.0]}
    assert replay.growth_ratios(times) == [1.1, 1.2, 1.0]
    [line] = replay.growth_lines(times, 1_000_000)
    assert "24.0 ms with 1,000,000 transitions and 20.0 with 10,000: 1.100 times" in line


def test_growth_of_memory_is_counted_from_the_end_of_the_warm_up() -> None:
    soak = {"iterations": [0, 100, 200], "resident_bytes": [10**9, 13 * 10**8, 1302 * 10**6]}
    assert replay.soak_growth_bytes(soak) == 2_000_000
    assert "grew by 2.0 MB from iteration 100 to 200" in replay.soak_lines(soak)[0]


def test_a_memory_is_told_by_median_and_percentile() -> None:
    memory = MemoryMeasurement("ring", 1_000, 7_000_000_000, {"1 step, warm": [1.0] * 19 + [3.0]})
    assert memory.median_ms("1 step, warm") == 1.0
    assert memory.p95_ms("1 step, warm") == pytest.approx(1.1)  # between the 19th and the 20th
    assert last_words(replay.memory_lines([memory], 64), "ring", 5) == [
        "1,000", "7.00", "GB", "1.00,", "1.10"
    ]  # fmt: skip


@pytest.mark.parametrize("capacity", [7, 12])
def test_the_stock_memory_is_filled_to_its_last_place(capacity: int) -> None:
    added = tf.Variable(0)
    memory = types.SimpleNamespace(
        capacity=capacity,
        data_spec=tf.TensorSpec([], tf.int32),
        add_batch=lambda items: added.assign_add(tf.size(items)),
    )
    stock_loop.fill(memory)
    assert added.numpy() == capacity


def test_a_checkpoint_is_told_by_the_median_of_its_rounds() -> None:
    stops = [
        checkpoint.Stop(sec, 0.25, 0.1, 0.05, 720_000_000, 706_800_000) for sec in (1.0, 0.25, 0.5)
    ]
    table = checkpoint.stop_lines(stops, 1_000_000, 100_000)
    assert last_words(table, "training stands still", 5) == ["0.75", "s", "0.50", "to", "1.25"]
    assert last_words(table, "for the policy", 5) == ["0.25", "s", "0.25", "to", "0.25"]
    assert last_words(table, "written since", 5) == ["720.00", "MB", "720.00", "to", "720.00"]
    resumes = [checkpoint.Resume(sec, 1.0) for sec in (8.0, 12.0)]
    [told, _] = checkpoint.resume_lines("files in memory", resumes)
    assert told.split()[-5:] == ["10.00", "s", "8.00", "to", "12.00"]


def test_too_little_room_on_a_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"rows needs 1000000\.0 GB of disk and"):
        machine.check_disk(10**15, tmp_path, "rows")
    with pytest.raises(UserError, match=r"none cannot be used: No such file"):
        machine.check_disk(1, tmp_path / "none", "rows")


def test_time_of_a_peer_is_cut_at_the_beginnings_of_its_rollouts() -> None:
    # Playing takes 1 s of each iteration of 3 s, and of 5 s from the 26th on.
    began = [3.0 * index for index in range(26)] + [75.0 + 5.0 * index for index in range(1, 26)]
    played = [start + 1.0 for start in began]
    times = sb3_loop.times(began, played, 50)
    assert times.total_ms == pytest.approx([3_000.0, 5_000.0])
    assert times.collect_ms == pytest.approx([1_000.0, 1_000.0])


def test_each_iteration_collects_and_trains_once_and_waits_at_the_end() -> None:
    tape: list[str] = []
    times = time_iterations(
        lambda: tape.append("collect"), lambda: tape.append("train"), lambda: tape.append("wait"), 2
    )
    assert tape == ["collect", "train", "collect", "train", "wait"]
    assert len(times.total_ms) == 1
    assert times.collect_ms is not None
    assert 0 <= times.collect_ms[0] <= times.total_ms[0]


def test_bars_are_medians_of_the_rounds(tmp_path: Path) -> None:
    file = tmp_path / "race.json"
    file.write_text(json.dumps(race.summary(RACE)))
    panel = chart.read(file)
    assert (panel.batch_size, panel.device) == (64, "CPU")
    # 320 and 200 frames a second.
    assert panel.bars[2] == chart.Bar("default", 65.0, 50.0, 80.0, 260.0, 1.8)


@pytest.mark.parametrize("text", ["{}", "[]", "no JSON", '{"rounds": [[{"name": "one"}]]}'])
def test_a_file_without_a_race_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "race.json"
    file.write_text(text)
    with pytest.raises(UserError, match="holds no race"):
        chart.read(file)


def test_a_rotating_array_forgets_as_a_deque_does() -> None:
    array, deque = memories.RotatingArray(5), collections.deque[int](maxlen=5)
    for item in range(13):
        array.append(item)
        deque.append(item)
        assert [array[index] for index in range(len(array))] == list(deque)


def test_all_memories_hold_the_same() -> None:
    deque, array, ring = memories.full_memories(20)
    for memory in (deque, array, ring):
        memory.append(memories._transition(21))
    indices = np.array([0, 3, 18])  # of the last 20 transitions, 2 to 21
    window = ring.batch(indices)
    for memory in (deque, array):
        _, observation, action, _, reward, discount = memory.batch(indices)
        assert observation.tolist() == [[2.0] * 4, [5.0] * 4, [20.0] * 4]
        assert np.array_equal(observation, window.observation)
        assert np.array_equal(action, window.action)
        assert np.array_equal(reward, window.rewards[:, 0])
        assert np.array_equal(discount, window.discounts[:, 0])
        assert memory.read(3)[1].tolist() == [5.0] * 4


def test_memories_are_timed_in_turns() -> None:
    measured = memories.measure(1_000, 64, chunks=3)
    assert [one.name for one in measured] == ["deque", "rotating array", "this project's ring"]
    for one in measured:
        for times in (one.append_us, one.read_us, one.batch_us):
            assert len(times) == 3
    shown = memories.Times("a", 1_000_000, 28_000_000, [1.0, 2.0, 4.0], [5.0], [6.0])
    assert memories.table_lines([shown], 64)[-1].split("   ")[:5] == [
        *("a", "1,000,000", " 28 MB", "2.00 (1.00 to 4.00)", "5.00 (5.00 to 5.00)"),
    ]


@pytest.mark.parametrize(
    ("batch_size", "batches"), [(1, 2_000), (64, 31), (700, 2), (1_001, 1), (2_000, 1), (2_001, 1)]
)
def test_memories_give_whole_batches_and_times_are_of_one_call(
    monkeypatch: pytest.MonkeyPatch, batch_size: int, batches: int
) -> None:
    appended: list[Any] = []
    read: list[Any] = []
    drawn: list[np.ndarray] = []
    fake = memories.Memory("fake", appended.append, read.append, drawn.append, 0)
    monkeypatch.setattr(memories, "full_memories", lambda _: [fake])
    seconds = itertools.count()  # between two looks at the clock one passes
    monkeypatch.setattr("time.process_time", lambda: float(next(seconds)))
    (times,) = memories.measure(5_000, batch_size, chunks=2)
    assert (len(appended), len(read)) == (2 * 2_000, 2 * 2_000)
    assert [batch.shape for batch in drawn] == [(batch_size,)] * 2 * batches
    assert all(batch.min() >= 0 and batch.max() < 4_999 for batch in drawn)
    assert times.append_us == times.read_us == pytest.approx([500, 500])
    assert times.batch_us == pytest.approx([1e6 / batches] * 2)


def test_too_little_memory_is_refused() -> None:
    with pytest.raises(UserError, match=r"the replay needs 1000000\.0 GB of memory"):
        machine.check_memory(10**15, "the replay")


@pytest.mark.parametrize(
    ("module", "arguments", "sentence"),
    [
        ("throughput", ["--rounds", "0"], "rounds"),
        ("throughput", ["--json", "no/such/folder/x.json"], "its folder is not there"),
        ("throughput", ["--batchsize", "3"], "did you mean --batch_size?"),
        ("peers", ["--json", "no/such/folder/x.json"], "its folder is not there"),
        ("replay", ["--transitions", "100000000000"], "transitions"),
        ("replay", ["--transitions", "100000000"], "GB of memory"),
        ("chart", ["--races", "no-such.json", "--out", "speed.png"], "cannot be read"),
        ("checkpoint", ["--transitions", "100000000"], "GB of memory"),
        ("chart", [], "no race was named"),
        ("memories", ["--items", "10"], "items"),
        ("memories", ["--items", "100000000"], "GB of memory"),
        ("memories", ["--json", "no/such/folder/x.json"], "its folder is not there"),
    ],
)
def test_mistakes_are_answered_in_a_line(module: str, arguments: list[str], sentence: str) -> None:
    status, _, said = finished(f"benchmarks.{module}", ROOT, *arguments)
    assert status == 2
    assert sentence in said
    assert len(said.splitlines()) == 1
