"""Measurements of speed and memory; `python -m benchmarks.throughput` is the main one."""
