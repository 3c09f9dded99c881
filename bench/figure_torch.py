"""The figures of bench/figure.lua by matplotlib with Agg; prints milliseconds a picture: the median and the least of each.
Of the smoothed noise matplotlib draws the curve, its average and the band, all computed before."""
import time

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

step = np.arange(1.0, 2001)


def rise(at, steep):
    return 1 / (1 + (at / step) ** steep)


wiggle = 1 + 0.03 * np.sin(12.9898 * step) * np.cos(78.233 * step)
fig, axes = plt.subplots(2, 2, figsize=(12.8, 8), dpi=100)
fig.suptitle("Grokking: addition modulo 97")


def curves(ax, title, named, log_y=False):
    for name, values in named.items():
        ax.plot(step, values, label=name)
    ax.set(title=title, xlabel="step", xscale="log", yscale="log" if log_y else "linear")
    ax.grid(True)
    if len(named) > 1:
        ax.legend()


curves(axes[0, 0], "Accuracy", {"train_acc": rise(18, 2.6), "test_acc": 0.99 * rise(900, 4.2) + 0.01})
curves(axes[0, 1], "Loss", {"train_loss": wiggle * (4.57 / (1 + (step / 12) ** 2.2) + 2e-7),
                            "test_loss": wiggle * (4.57 + 9 * rise(40, 1.5)) * (1.0005 - rise(900, 4))}, True)
curves(axes[1, 0], "Weight norm", {"weight_norm": 61 + 22 * rise(30, 2) - 46 * rise(700, 1.8)})
image = axes[1, 1].imshow(np.random.default_rng(1).random((49, 128)), aspect="auto")
axes[1, 1].set(title="Power spectrum of the embedding", xlabel="dimension", ylabel="frequency")
fig.colorbar(image)
fig.tight_layout()

random = np.random.default_rng(1)
many = np.arange(1.0, 100001)
past = 0.99


def smoothed(y):
    """The average, and the range of the last 199 values."""
    average, weight, total = np.empty_like(y), 0.0, 0.0
    for i, value in enumerate(y):
        total, weight = past * total + (1 - past) * value, past * weight + (1 - past)
        average[i] = total / weight
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.full(198, y[0]), y]), 199)
    return average, windows.min(axis=1), windows.max(axis=1)


def twenty(value, smooth=False):
    figure, ax = plt.subplots(figsize=(12.8, 8), dpi=100)
    for k in range(1, 21):
        y = value(k)
        line, = ax.plot(many, y, label=f"curve {k}", alpha=0.44 if smooth else 1)
        if smooth:
            average, low, high = smoothed(y)
            ax.fill_between(many, low, high, alpha=0.2, color=line.get_color(), linewidth=0)
            ax.plot(many, average, color=line.get_color())
    ax.legend(loc="upper right")
    ax.grid(True)
    return figure


def timed(figure, n):
    times = []
    for _ in range(n):
        began = time.perf_counter()
        figure.canvas.draw()
        np.asarray(figure.canvas.buffer_rgba())
        times.append((time.perf_counter() - began) * 1e3)
    times.sort()
    return f"{times[n // 2]:.3f} {times[0]:.3f}"


print(timed(fig, 20),
      timed(twenty(lambda k: random.standard_normal(100000)), 3),
      timed(twenty(lambda k: k + 0.2 * random.standard_normal(100000)), 3),
      timed(twenty(lambda k: k + np.sin(20 * many / 1e5 + k)), 3),
      timed(twenty(lambda k: random.standard_normal(100000), True), 1))
