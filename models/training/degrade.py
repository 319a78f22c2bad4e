"""Light, weather and what cameras do to pictures, for a whole batch at once on the device that trains.

Grey, infrared and its lamp, colours, contrast, gamma, blur, a coarser sensor, rain, grain, JPEG. Random numbers are
torch's: `torch.manual_seed` fixes them.
"""

import math

import torch
from torch.nn import functional as F

# Quantisation of JPEG's annex K for luma and chroma at quality 50.
LUMA = [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]
CHROMA = [17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99] + [99] * 32
YCC = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]


def between(low, high, like, count):
    """Uniform numbers, [count, 1, 1, 1]."""
    return low + (high - low) * torch.rand(count, 1, 1, 1, device=like.device)


def some(share, like):
    """Which pictures of the batch, each with the chance `share`: [b]."""
    return torch.rand(len(like), device=like.device) < share


def matrices(count, device):
    """What becomes of red, green and blue, [count, 3, 3]: a quarter grey, of the rest six in ten tinted."""
    one = torch.eye(3, device=device).expand(count, 3, 3)
    grey = torch.distributions.Dirichlet(torch.tensor([2.0, 3.0, 2.0], device=device)).sample((count,))[:, None].expand(count, 3, 3)
    saturation = torch.rand(count, 1, 1, device=device) * 1.7
    tint = 0.85 + 0.3 * torch.rand(count, 3, 1, device=device)
    order = one.gather(1, torch.rand(count, 3, device=device).argsort(1)[..., None].expand(count, 3, 3))
    order = torch.where(torch.rand(count, 1, 1, device=device) < 0.1, order, one)
    tinted = order @ (tint * (saturation * one + (1 - saturation) / 3))
    infrared = torch.rand(count, device=device) < 0.25
    which = (torch.rand(count, device=device) < 0.6)[:, None, None]
    return torch.where(infrared[:, None, None], grey, torch.where(which, tinted, one)), infrared


def lamp(count, rows, columns, device):
    """The bright cone of an infrared lamp, [count, 1, rows, columns]."""
    y, x = (torch.linspace(-1, 1, side, device=device) for side in (rows, columns))
    middle = torch.rand(2, count, 1, 1, 1, device=device) - 0.5
    fall = 0.3 + 0.7 * torch.rand(count, 1, 1, 1, device=device)
    return (1.2 - fall * ((x - middle[0]) ** 2 + (y[:, None] - middle[1]) ** 2)).clamp(min=0.1)


def colours(out):
    """Pictures [b, 3, h, w] of 0..255 in other light."""
    count, _, rows, columns = out.shape
    matrix, infrared = matrices(count, out.device)
    out = torch.bmm(matrix, out.flatten(2)).view_as(out)
    if len(lit := (infrared & some(0.4, out)).nonzero()[:, 0]):
        out[lit] *= lamp(len(lit), rows, columns, out.device)
    middle = out.mean((1, 2, 3), keepdim=True)
    changed = some(0.7, out)[:, None, None, None]
    contrast = torch.where(changed, between(0.5, 1.5, out, count), 1.0)
    light = torch.where(changed, between(0.5, 1.5, out, count), 1.0)
    out = (out - middle) * contrast + middle * light
    if len(bent := some(0.3, out).nonzero()[:, 0]):
        out[bent] = 255 * (out[bent].clamp(0, 255) / 255) ** between(0.5, 1.9, out, len(bent))
    return out


def each(pictures, kernels):
    """Every picture of [n, c, h, w] with a kernel of its own, [n, kh, kw]."""
    n, c, rows, columns = pictures.shape
    wide = kernels[:, None].expand(n, c, *kernels.shape[1:]).reshape(n * c, 1, *kernels.shape[1:])
    padding = (kernels.shape[1] // 2, kernels.shape[2] // 2)
    return F.conv2d(pictures.reshape(1, n * c, rows, columns), wide, padding=padding, groups=n * c).view_as(pictures)


def blurred(pictures):
    """Gaussian, sigma 0.4 to 1.5 pixels."""
    at = torch.arange(-4, 5, device=pictures.device)
    line = torch.exp(-0.5 * (at / between(0.4, 1.5, pictures, len(pictures))[:, 0, 0]) ** 2)
    line = line / line.sum(1, keepdim=True)
    inner = F.pad(pictures, (4, 4, 4, 4), mode="replicate")
    return each(each(inner, line[:, None]), line[:, :, None])[..., 4:-4, 4:-4]


def coarse(pictures):
    """Fewer pixels than the picture has; a group of pictures at a time shares how many."""
    size = pictures.shape[2:]
    parts = []
    for part in pictures.chunk(4):
        small = F.interpolate(part, scale_factor=0.4 + 0.5 * torch.rand(()).item(), mode="bilinear", antialias=True)
        parts.append(F.interpolate(small, size=size, mode="bilinear"))
    return torch.cat(parts)


def rain(pictures):
    """Streaks that lean one way, 20 to 150 of them."""
    count, _, rows, columns = pictures.shape
    drops = torch.rand(count, 1, rows, columns, device=pictures.device) < between(20, 150, pictures, count) / (rows * columns)
    lean, long = between(-4, 4, pictures, count)[:, 0], between(4, 16, pictures, count)[:, 0]
    down = torch.arange(-9, 10, device=pictures.device).view(1, -1, 1)
    across = torch.arange(-5, 6, device=pictures.device).view(1, 1, -1)
    streak = torch.exp(-((across - lean * down / long) ** 2)) * (down.abs() <= long / 2)
    return pictures + each(drops.float(), streak) * between(20, 90, pictures, count)


def grain(pictures):
    """Noise of a sensor, the same in all colours or not; sigma 1 to 14."""
    noise = torch.randn_like(pictures)
    noise = torch.where(some(0.5, pictures)[:, None, None, None], noise[:, :1], noise)
    return pictures + noise * between(1, 14, pictures, len(pictures))


def blocks(plane, table, cosine):
    """A plane [n, h, w] after JPEG's transform, rounding by `table` [n, 8, 8], and back."""
    n, rows, columns = plane.shape
    cut = plane.view(n, rows // 8, 8, columns // 8, 8).transpose(2, 3)
    table = table[:, None, None]
    kept = (cosine @ cut @ cosine.T / table).round() * table
    return (cosine.T @ kept @ cosine).transpose(2, 3).reshape(n, rows, columns)


def jpeg(pictures):
    """What JPEG at quality 15 to 75 leaves of pictures, chroma at half the size; sides are multiples of 16."""
    device, count = pictures.device, len(pictures)
    k = torch.arange(8, device=device)
    cosine = torch.cos(math.pi * (2 * k + 1) * k[:, None] / 16) * torch.where(k[:, None] == 0, math.sqrt(1 / 8), 0.5)
    quality = between(15, 75, pictures, count)[:, 0]
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    luma, chroma = (torch.tensor(t, device=device).view(1, 8, 8) * factor for t in (LUMA, CHROMA))
    matrix = torch.tensor(YCC, device=device)
    y, *colour = torch.einsum("ij,bjhw->ibhw", matrix, pictures)
    y = blocks(y - 128, luma.clamp(min=1), cosine) + 128
    colour = [blocks(F.avg_pool2d(c[:, None], 2)[:, 0], chroma.clamp(min=1), cosine) for c in colour]
    colour = [F.interpolate(c[:, None], scale_factor=2.0, mode="nearest")[:, 0] for c in colour]
    return torch.einsum("ij,jbhw->bihw", torch.linalg.inv(matrix), torch.stack([y, *colour]))


@torch.no_grad()
def degrade(images):
    """Pictures [b, 3, h, w] (u8, RGB) as cameras may show them: f32, 0..255."""
    out = colours(images.float())
    chance = torch.rand(len(out), device=out.device)
    steps = [(chance < 0.15, blurred), ((chance > 0.15) & (chance < 0.28), coarse), (some(0.06, out), rain),
             (some(0.35, out), grain)]
    for which, step in steps:
        if len(rows := which.nonzero()[:, 0]):
            out[rows] = step(out[rows])
    out = out.clamp(0, 255)
    if len(rows := some(0.3, out).nonzero()[:, 0]):
        out[rows] = jpeg(out[rows])
    return out.clamp(0, 255).round()
