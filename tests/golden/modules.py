#!/usr/bin/python3
"""Writes modules.lua: a network of residual and parallel branches in PyTorch, its value and gradients, for tests/lua/modules_spec.lua.

    /usr/bin/python3 tests/golden/modules.py > tests/golden/modules.lua      # Debian's python3-torch

Parameters are in the order in which moonlab lists them. Numbers are written so that they read back exactly.
"""
import torch

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
L = torch.nn.Linear


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = L(3, 4), L(4, 3)
        self.inner, self.shortcut = L(3, 2), L(3, 2, bias=False)
        self.left, self.right = L(5, 2), L(5, 2)


def lua(t):
    if t.dim() == 0:
        return repr(t.item())
    return "{ " + ", ".join(lua(row) for row in t) + " }"


net = Net()
x = torch.randn(6, 3, requires_grad=True)
a = x + 0.5 * net.second(torch.tanh(net.first(x)))
b = net.shortcut(x) + torch.relu(net.inner(x))
h = torch.cat([a, b], dim=1)
y = net.left(h) + torch.sin(net.right(h))
stacked = torch.stack([net.left(h), torch.sin(net.right(h))], dim=1)
(y ** 2).mean().backward()
print("-- Written by modules.py.\nreturn {")
print(f"  x = {lua(x.detach())},\n  dx = {lua(x.grad)},\n  y = {lua(y.detach())},\n  stacked = {lua(stacked.detach())},")
for what, of in (("params", lambda p: p.detach()), ("grads", lambda p: p.grad)):
    print(f"  {what} = {{")
    for p in net.parameters():
        print(f"    {lua(of(p))},")
    print("  },")
print("}")
