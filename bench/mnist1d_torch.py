"""The CNN of MNIST-1D (Greydanus & Kobak 2020), batch 100; prints microseconds per Adam step."""
import time
import torch
from torch import nn

torch.set_num_threads(2)
torch.manual_seed(1)
model = nn.Sequential(nn.Conv1d(1, 25, 5, stride=2, padding=1), nn.ReLU(), nn.Conv1d(25, 25, 3, stride=2, padding=1), nn.ReLU(),
                      nn.Conv1d(25, 25, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(125, 10))
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
x, y = torch.randn(100, 1, 40), torch.randint(0, 10, (100,))


def train(steps):
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()


train(50)
began = time.perf_counter()
train(500)
print((time.perf_counter() - began) / 500 * 1e6)
