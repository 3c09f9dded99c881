#!/usr/bin/python3
"""Writes sequences.txt: what PyTorch's layers of sequences compute in f64, and where Adam takes two small models, for
tests/c/test_sequences.c.

    /usr/bin/python3 tests/golden/sequences.py        # Debian's python3-torch

A line is a word, sizes in brackets, values. A case begins with `case NAME` and goes on with: param (one line each, in the
module's order), x, state (where it has one), y, last (the state behind the last step), dy, dlast, dx, dstate, dparam (as
param). `train NAME` has param, x, labels (from 0), then `step K` with a line `now` of all parameters in one row.
Numbers are written so that they read back exactly. Inputs have four decimals, which keeps the file small.
"""
import os
import torch
from torch import nn

F64 = torch.float64
SHOWN = (1, 10, 100)
lines = []


def put(word, t):
    values = " ".join(repr(v) if isinstance(v, float) else str(v) for v in t.detach().reshape(-1).tolist())
    lines.append(f"{word} ({','.join(str(n) for n in t.shape)}) {values}")


def floats(*shape):
    return torch.round((4 * torch.rand(shape, dtype=F64) - 2) * 1e4) / 1e4


def coarse(module):
    """Parameters that are short to write, and no bias or weight of a norm that does nothing."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(floats(*p.shape) / 4)
    return module


def close(params, results, leaves):
    """Everything behind the inputs of a case; results and leaves by name."""
    for name, t in results.items():
        put(name, t)
    seeds = {"d" + name: floats(*t.shape) for name, t in results.items()}
    total = 0
    for name, t in results.items():
        put("d" + name, seeds["d" + name])
        total = total + (t * seeds["d" + name]).sum()
    grads = torch.autograd.grad(total, list(leaves.values()) + params)
    for name, g in zip(leaves, grads):
        put("d" + name, g)
    for g in grads[len(leaves):]:
        put("dparam", g)
    lines.append("")


# --- recurrent ------------------------------------------------------------------------------------------------------------
def recurrent(name, kind, n, t, inputs, hidden, given=True, **options):
    module = coarse(getattr(nn, kind)(inputs, hidden, batch_first=True, dtype=F64, **options))
    params = list(module.parameters())
    modules = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    lines.append("case " + name)
    for p in params:
        put("param", p)
    leaves = {"x": floats(n, t, inputs).requires_grad_()}
    if given:
        leaves["state"] = floats(*((2, modules, n, hidden) if kind == "LSTM" else (modules, n, hidden))).requires_grad_()
    for word, leaf in leaves.items():
        put(word, leaf)
    first = leaves.get("state")
    y, last = module(leaves["x"], tuple(first) if given and kind == "LSTM" else first)
    close(params, {"y": y, "last": torch.stack(last) if kind == "LSTM" else last}, leaves)


torch.manual_seed(30)
for kind in ("RNN", "GRU", "LSTM"):
    small = kind.lower()
    recurrent(small, kind, 2, 4, 3, 2)
    recurrent(small + "_bidirectional", kind, 3, 5, 2, 3, given=False, bidirectional=True)
    recurrent(small + "_2_layers", kind, 2, 3, 2, 3, num_layers=2, bidirectional=True)
    recurrent(small + "_no_bias", kind, 1, 3, 2, 2, bias=False)
recurrent("rnn_relu", "RNN", 2, 3, 2, 3, nonlinearity="relu")


# --- transformers -----------------------------------------------------------------------------------------------------------
def mask_of(t, causal):
    return torch.triu(torch.ones(t, t), 1).bool() if causal else None


def attention(name, n, t, dim, heads, causal=False, bias=True):
    module = coarse(nn.MultiheadAttention(dim, heads, bias=bias, batch_first=True, dtype=F64))
    params = [p for p in (module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias) if p is not None]
    lines.append("case " + name)
    for p in params:
        put("param", p)
    x = floats(n, t, dim).requires_grad_()
    put("x", x)
    close(params, {"y": module(x, x, x, need_weights=False, attn_mask=mask_of(t, causal))[0]}, {"x": x})


def block(name, n, t, dim, heads, mlp, causal=False, last=False, **options):
    module = coarse(nn.TransformerEncoderLayer(dim, heads, mlp, dropout=0.0, batch_first=True, dtype=F64, **options))
    att = module.self_attn
    of_norm = [list(module.norm1.parameters()), list(module.norm2.parameters())]
    params = [*of_norm[0], att.in_proj_weight, att.in_proj_bias, att.out_proj.weight, att.out_proj.bias, *of_norm[1],
              *module.linear1.parameters(), *module.linear2.parameters()]
    lines.append("case " + name)
    for p in params:
        put("param", p)
    x = floats(n, t, dim).requires_grad_()
    put("x", x)
    y = module(x, src_mask=mask_of(t, causal))
    close(params, {"y": y[:, -1] if last else y}, {"x": x})


attention("attention", 2, 4, 6, 2)
attention("attention_causal", 2, 5, 4, 4, causal=True)
attention("attention_no_bias", 1, 3, 4, 1, bias=False)
block("block_first_2_heads", 2, 4, 6, 2, 5, norm_first=True)
block("block_first_causal_gelu_2_heads", 2, 3, 4, 2, 7, causal=True, norm_first=True, activation="gelu")
block("block_2_heads", 2, 4, 6, 2, 5)
block("block_first_causal_last_2_heads", 2, 4, 6, 2, 5, causal=True, last=True, norm_first=True)


# --- what PyTorch has no layer for: written out -------------------------------------------------------------------------------
def attended(x, w, b, w_out, b_out, heads, causal, turned):
    n, t, dim = x.shape
    q, k, v = ((x @ w.T + b)[..., i * dim : (i + 1) * dim].reshape(n, t, heads, -1).transpose(1, 2) for i in range(3))
    if turned:  # points of the plane, values i and i + d/2, times e^(i angle)
        half = q.shape[-1] // 2
        angles = torch.arange(t, dtype=F64)[:, None] * 10000.0 ** (-torch.arange(half, dtype=F64) / half)
        turn = torch.polar(torch.ones_like(angles), angles)
        q, k = (torch.complex(z[..., :half], z[..., half:]) * turn for z in (q, k))
        q, k = (torch.cat((z.real, z.imag), -1) for z in (q, k))
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(mask_of(t, True), -torch.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, dim) @ w_out.T + b_out


def written(name, f, x, *shapes):
    params = [(floats(*s) / 4).requires_grad_() for s in shapes]
    lines.append("case " + name)
    for p in params:
        put("param", p)
    x = floats(*x).requires_grad_()
    put("x", x)
    close(params, {"y": f(x, *params)}, {"x": x})


def rms(x, w):
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-5) * w


def rms_block(x, n1, w, b, w_out, b_out, n2, up, up_b, down, down_b):
    x = x + attended(rms(x, n1), w, b, w_out, b_out, 2, True, True)
    return x + torch.relu(rms(x, n2) @ up.T + up_b) @ down.T + down_b


def sines(x):
    t, dim = x.shape[-2:]
    angles = torch.arange(t, dtype=F64)[:, None] * 10000.0 ** (-2 * torch.arange(dim // 2, dtype=F64) / dim)
    table = torch.zeros(t, dim, dtype=F64)
    table[:, 0::2], table[:, 1::2] = angles.sin(), angles.cos()
    return x + table


written("attention_rotary", lambda x, *p: attended(x, *p, 2, False, True), (2, 5, 8), (24, 8), (24,), (8, 8), (8,))
written("block_first_causal_rms_rotary_2_heads", rms_block, (2, 4, 8), (8,), (24, 8), (24,), (8, 8), (8,), (8,), (5, 8), (5,), (8, 5), (8,))
written("positions", lambda x, w: x + w[: x.shape[1]], (2, 3, 4), (5, 4))
written("sines", sines, (2, 7, 6))


# --- trained --------------------------------------------------------------------------------------------------------------
def train(name, params, forward, x, labels, classes):
    lines.append("train " + name)
    for p in params:
        put("param", p)
    put("x", x)
    put("labels", labels)
    opt = torch.optim.Adam(params, lr=1e-2)
    for step in range(1, 101):
        opt.zero_grad()
        nn.functional.cross_entropy(forward(x), labels).backward()
        opt.step()
        if step in SHOWN:
            lines.append(f"step {step}")
            put("now", torch.cat([p.detach().reshape(-1) for p in params]))
    lines.append("")


gru, head = coarse(nn.GRU(1, 3, batch_first=True, bidirectional=True, dtype=F64)), coarse(nn.Linear(30, 4, dtype=F64))
train("gru", list(gru.parameters()) + list(head.parameters()), lambda x: head(gru(x)[0].flatten(1)), floats(6, 5, 1), torch.randint(4, (6,)), 4)



class Transformer(nn.Module):
    """The one of the grokking papers, small: no norms, the last of three tokens is read."""
    def __init__(self, p, dim, heads, mlp):
        super().__init__()
        self.tokens, self.places = nn.Embedding(p, dim, dtype=F64), nn.Parameter(torch.zeros(3, dim, dtype=F64))
        # without biases: that of the keys makes no difference, so its gradient is rounding alone, which Adam would blow up
        self.attention = nn.MultiheadAttention(dim, heads, bias=False, batch_first=True, dtype=F64)
        self.up, self.down = nn.Linear(dim, mlp, bias=False, dtype=F64), nn.Linear(mlp, dim, bias=False, dtype=F64)
        self.head = nn.Linear(dim, p, dtype=F64)

    def ordered(self):
        a = self.attention
        return [self.tokens.weight, self.places, a.in_proj_weight, a.out_proj.weight, self.up.weight, self.down.weight, *self.head.parameters()]

    def forward(self, ids):
        x = self.tokens(ids.long()) + self.places
        x = x + self.attention(x, x, x, need_weights=False, attn_mask=mask_of(3, True))[0]
        return self.head((x + self.down(torch.relu(self.up(x))))[:, -1])


model = coarse(Transformer(5, 4, 2, 6))
ids = torch.stack((torch.randint(4, (8,)), torch.randint(4, (8,)), torch.full((8,), 4)), 1)
train("transformer", model.ordered(), model, ids, ids[:, :2].sum(1) % 4, 5)

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sequences.txt")
with open(path, "w") as out:
    out.write(f"# written by sequences.py with PyTorch {torch.__version__}\n\n")
    out.write("\n".join(lines) + "\n")
