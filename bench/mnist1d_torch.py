"""The CNN of MNIST-1D (Greydanus & Kobak 2020), batch 100; prints microseconds per Adam step."""
import torch
from torch import nn
from torch_steps import microseconds_a_step

torch.set_num_threads(2)
torch.manual_seed(1)
model = nn.Sequential(nn.Conv1d(1, 25, 5, stride=2, padding=1), nn.ReLU(), nn.Conv1d(25, 25, 3, stride=2, padding=1), nn.ReLU(),
                      nn.Conv1d(25, 25, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(125, 10))
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
x, y = torch.randn(100, 1, 40), torch.randint(0, 10, (100,))

print(microseconds_a_step(model, opt, x, y, 50, 500))
