"""The figure of bench/figure.lua by matplotlib with Agg; prints milliseconds a picture: the median and the least."""
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

times = []
for _ in range(20):
    began = time.perf_counter()
    fig.canvas.draw()
    np.asarray(fig.canvas.buffer_rgba())
    times.append((time.perf_counter() - began) * 1e3)
times.sort()
print(f"{times[10]:.3f} {times[0]:.3f}")
