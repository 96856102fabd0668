"""Times the steps of a model: the median, after two that warm up."""
import statistics
import time


def time_steps(step, n):
    samples = []
    for i in range(n + 2):
        start = time.perf_counter()
        step()
        if i >= 2:
            samples.append(time.perf_counter() - start)
    return statistics.median(samples)
