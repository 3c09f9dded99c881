"""A CNN for MNIST: conv 32, conv 64 (3x3, ReLU), max pool 2, 128, 10; batch 64. Prints microseconds per Adam step and
per forward pass."""
import torch
from torch import nn
from torch_steps import step_of, times

torch.set_num_threads(2)
torch.manual_seed(1)
model = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                      nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))

step = step_of(model, opt, x, y)


@torch.no_grad()
def forward():
    model(x)


def mean(run):
    return sum(times(run, 3, 20)) / 20 * 1e6


print(mean(step), mean(forward))
