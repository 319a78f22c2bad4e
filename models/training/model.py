"""The network: plain convolutions, three strides, one class, boxes as distances from the cell's centre.

About 0.5 million weights. Dense 3x3 convolutions where the picture is small, depthwise ones in neck and head;
ReLU everywhere, because it costs nothing and survives int8. Made for one core: what is cheap in ONNX Runtime
decided, not the count of multiplications.
"""

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
WIDTH, HEIGHT = 512, 288


class Conv(nn.Sequential):
    def __init__(self, inside, out, size=1, stride=1, groups=1, act=True):
        layers = [nn.Conv2d(inside, out, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(out, eps=1e-3, momentum=0.03)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if act else []))


def light(inside, out, size=5):
    """Depthwise, then pointwise."""
    return nn.Sequential(Conv(inside, inside, size, groups=inside), Conv(inside, out))


class Block(nn.Module):
    """Residual bottleneck."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(Conv(width, width // 2), Conv(width // 2, width, 3, act=False))

    def forward(self, x):
        return F.relu(x + self.body(x))


class Pool(nn.Module):
    """The widest look: pools of growing size beside the plain view (SPPF)."""

    def __init__(self, width):
        super().__init__()
        self.into, self.out = Conv(width, width // 2), Conv(width * 2, width)

    def forward(self, x):
        views = [self.into(x)]
        for _ in range(3):
            views.append(F.max_pool2d(views[-1], 5, 1, 2))
        return self.out(torch.cat(views, 1))


class Head(nn.Module):
    """Shared depth, one score and four distances a cell."""

    def __init__(self, width):
        super().__init__()
        self.tower = nn.Sequential(light(width, width), light(width, width))
        self.score, self.sides = nn.Conv2d(width, 1, 1), nn.Conv2d(width, 4, 1)
        nn.init.constant_(self.score.bias, -4.6)  # one cell in a hundred
        nn.init.constant_(self.sides.bias, 0.7)

    def forward(self, x):
        x = self.tower(x)
        return torch.cat([self.sides(x), self.score(x)], 1).flatten(2)


class Person(nn.Module):
    """Pictures [b, 3, h, w] of 0..255 (RGB) in; raw [b, cells, 5] out: four log distances in strides, score logit."""

    def __init__(self, widths=(16, 24, 48, 96, 160), neck=64):
        super().__init__()
        a, b, c, d, e = widths
        self.early = nn.Sequential(Conv(3, a, 3, 2), Conv(a, b, 3, 2), Conv(b, c, 3, 2), Block(c), Block(c))
        self.middle = nn.Sequential(Conv(c, d, 3, 2), Block(d), Block(d))
        self.late = nn.Sequential(Conv(d, e, 3, 2), Block(e), Pool(e))
        self.side = nn.ModuleList(Conv(width, neck) for width in (c, d, e))
        self.up = nn.ModuleList(light(neck, neck) for _ in range(2))
        self.down = nn.ModuleList(Conv(neck, neck, 5, 2, groups=neck) for _ in range(2))
        self.join = nn.ModuleList(light(neck, neck) for _ in range(2))
        self.heads = nn.ModuleList(Head(neck) for _ in STRIDES)

    def forward(self, x):
        x = x * (1 / 64) - 2.0
        early = self.early(x)
        middle = self.middle(early)
        late = self.late(middle)
        c, d, e = (side(x) for side, x in zip(self.side, (early, middle, late)))
        d = self.up[1](d + F.interpolate(e, scale_factor=2.0, mode="nearest"))
        c = self.up[0](c + F.interpolate(d, scale_factor=2.0, mode="nearest"))
        d = self.join[0](d + self.down[0](c))
        e = self.join[1](e + self.down[1](d))
        return torch.cat([head(x) for head, x in zip(self.heads, (c, d, e))], 2).transpose(1, 2)


def cells(width, height, device="cpu"):
    """Centres [n, 2] in input pixels and strides [n, 1] of all cells, in the order of the output."""
    points, steps = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        points.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
        steps.append(torch.full((len(points[-1]), 1), float(stride)))
    return torch.cat(points).to(device), torch.cat(steps).to(device)


def boxes(raw, points, steps):
    """Corners [b, n, 4] in input pixels."""
    sides = raw[..., :4].clamp(max=5).exp() * steps
    return torch.cat([points - sides[..., :2], points + sides[..., 2:]], -1)


class Exported(nn.Module):
    """What is written down: [b, 5, cells] of centre, size (input pixels) and score: Parapet's head `yolov8`."""

    def __init__(self, net, width=WIDTH, height=HEIGHT):
        super().__init__()
        self.net = net
        points, steps = cells(width, height)
        self.register_buffer("points", points)
        self.register_buffer("steps", steps)

    def forward(self, images):
        raw = self.net(images)
        corners = boxes(raw, self.points, self.steps)
        low, high = corners[..., :2], corners[..., 2:]
        return torch.cat([(low + high) / 2, high - low, raw[..., 4:].sigmoid()], -1).transpose(1, 2)
