"""200 full-batch AdamW steps of modular addition, p = 97; prints microseconds per step."""
import time
import torch
from torch import nn

torch.set_num_threads(2)
torch.manual_seed(1)
p = 97
pairs = torch.cartesian_prod(torch.arange(p), torch.arange(p))
x = pairs[torch.randperm(len(pairs))[: int(0.4 * len(pairs))]]
y = x.sum(1) % p
model = nn.Sequential(nn.Embedding(p, 128), nn.Flatten(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, p))
opt = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1.0, betas=(0.9, 0.98))


def train(steps):
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()


train(20)
began = time.perf_counter()
train(180)
print((time.perf_counter() - began) / 180 * 1e6)
