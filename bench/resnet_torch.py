"""A small ResNet: three stages of 16, 32 and 64 channels, each a block, batch normalisation; batch 64 of 32x32 colour images.
Prints microseconds per step of SGD with momentum and per forward pass in evaluation: the least of several."""
import torch
from torch import nn
from torch_steps import step_of, times

torch.set_num_threads(2)
torch.manual_seed(1)


def conv(inputs, outputs, kernel, stride):
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.inner = nn.Sequential(conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
                                   conv(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.inner(x) + self.shortcut(x))


model = nn.Sequential(conv(3, 16, 3, 1), nn.BatchNorm2d(16), nn.ReLU(inplace=True), Block(16, 16, 1),
                      Block(16, 32, 2), Block(32, 64, 2),
                      nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
x, y = torch.randn(64, 3, 32, 32), torch.randint(0, 10, (64,))


@torch.no_grad()
def forward():
    model(x)


def least(run):
    return min(times(run, 3, 15)) * 1e6


train = least(step_of(model, opt, x, y))
model.eval()
print(train, least(forward))
