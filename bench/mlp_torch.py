"""One Adam step of an MLP 784-256-256-10, batch 128; prints microseconds per step."""
import torch
from torch import nn
from torch_steps import microseconds_a_step

torch.set_num_threads(2)
torch.manual_seed(1)
model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))

print(microseconds_a_step(model, opt, x, y, 30, 300))
