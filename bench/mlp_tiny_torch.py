"""One Adam step of an MLP 2-64-64-2, batch 32; prints microseconds per step."""
import torch
from torch import nn
from torch_steps import microseconds_a_step

torch.set_num_threads(2)
torch.manual_seed(1)
model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = torch.randn(32, 2), torch.randint(0, 2, (32,))

print(microseconds_a_step(model, opt, x, y, 200, 2000))
