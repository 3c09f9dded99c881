"""The transformer of the grokking papers: p = 113, one block of 128 values, 4 heads, mlp 512 with ReLU, no norms; full batch of
3,830 sequences "a b =", the last position is read. Prints milliseconds per AdamW step: the mean and the least when every position
is computed, the same two when queries, mlp and logits of the last one alone are."""
import time
import torch
from torch import nn

torch.set_num_threads(2)
P, WIDTH, HEADS, MLP, ROWS = 113, 128, 4, 512, 3830
x = torch.randint(0, P, (ROWS, 3))
x[:, 2] = P
y = (x[:, 0] + x[:, 1]) % P


class Model(nn.Module):
    def __init__(self, last):
        super().__init__()
        self.last = last
        self.tokens, self.places = nn.Embedding(P + 1, WIDTH), nn.Parameter(0.02 * torch.randn(3, WIDTH))
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down, self.head = nn.Linear(WIDTH, MLP), nn.Linear(MLP, WIDTH), nn.Linear(WIDTH, P)
        self.register_buffer("hidden", torch.triu(torch.ones(3, 3), 1).bool())

    def heads(self, x):
        return x.reshape(x.shape[0], x.shape[1], HEADS, -1).transpose(1, 2)

    def forward(self, ids):
        x = self.tokens(ids) + self.places
        if self.last:
            q = nn.functional.linear(x[:, 2:], self.qkv.weight[:WIDTH], self.qkv.bias[:WIDTH])
            k, v = nn.functional.linear(x, self.qkv.weight[WIDTH:], self.qkv.bias[WIDTH:]).chunk(2, -1)
            x = x[:, 2:]
        else:
            q, k, v = self.qkv(x).chunk(3, -1)
        q, k, v = self.heads(q), self.heads(k), self.heads(v)
        scores = q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        if not self.last:
            scores = scores.masked_fill(self.hidden, -torch.inf)
        z = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = x + self.out(z)
        x = x + self.down(torch.relu(self.up(x)))
        return self.head(x)[:, -1]


def measure(last):
    torch.manual_seed(1)
    model = Model(last)
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1)

    def step():
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()

    for _ in range(3):
        step()
    times = []
    for _ in range(15):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1e3)
    return sum(times) / len(times), min(times)


print(*measure(False), *measure(True))
