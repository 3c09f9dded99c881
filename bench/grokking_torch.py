"""200 full-batch AdamW steps of modular addition, p = 97; prints microseconds per step."""
import torch
from torch import nn
from torch_steps import microseconds_a_step

torch.set_num_threads(2)
torch.manual_seed(1)
p = 97
pairs = torch.cartesian_prod(torch.arange(p), torch.arange(p))
x = pairs[torch.randperm(len(pairs))[: int(0.4 * len(pairs))]]
y = x.sum(1) % p
model = nn.Sequential(nn.Embedding(p, 128), nn.Flatten(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, p))
opt = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1.0, betas=(0.9, 0.98))

print(microseconds_a_step(model, opt, x, y, 20, 180))
