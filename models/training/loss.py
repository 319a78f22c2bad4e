"""Task-aligned assignment (Feng et al., TOOD, ICCV 2021) and the loss on it, for one class.

For each person the cells whose score and box fit best are positive; a cell's target score is how well it fits.
"""

import torch
from torch.nn import functional as F

from model import boxes

BEST = 9  # positive cells a person
SCORE_POWER, IOU_POWER = 0.5, 4.0
BOX_WEIGHT = 2.5


def giou(a, b):
    """IoU and generalised IoU of boxes [..., 4]."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    area = lambda box: (box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1)
    union = area(a) + area(b) - inner + 1e-6
    outer = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1) + 1e-6
    return inner / union, inner / union - (outer - union) / outer


@torch.no_grad()
def assign(corners, scores, people, picture, points, steps):
    """Which cells stand for which person: rows of `people`, pictures, cells and target scores of all positives.

    `people` [k, 4] are those of all pictures of the batch, `picture` [k] says of which.
    """
    low, high = people[:, None, :2], people[:, None, 2:]
    middle, half = (low + high) / 2, ((high - low) / 2).maximum(steps * 0.75)  # the tiny get a cell too
    inside = ((points - middle).abs() < half).all(-1)
    inside &= ((high - low).amax(-1) < steps[:, 0] * 14) | (steps[:, 0] == steps.max())
    like, _ = giou(corners[picture], people[:, None])
    fit = (scores[picture] ** SCORE_POWER * like ** IOU_POWER + 1e-9) * inside
    best, place = fit.topk(BEST, -1)
    claim = torch.zeros_like(fit).scatter_(-1, place, (best > 0).float()) * (like + 1e-6)
    most = torch.zeros_like(scores).scatter_reduce(0, picture[:, None].expand_as(claim), claim, "amax")
    row, cell = ((claim > 0) & (claim == most[picture])).nonzero(as_tuple=True)  # a cell stands for one person
    owned = torch.zeros_like(fit)
    owned[row, cell] = 1.0
    fit, like = fit * owned, like * owned
    target = fit / fit.amax(-1, keepdim=True).clamp(min=1e-12) * like.amax(-1, keepdim=True).clamp(min=0.05)
    return row, picture[row], cell, target[row, cell]


def loss(raw, labels, points, steps):
    """Raw output [b, n, 5] and labels [b, m, 5]: score loss, box loss (both per positive)."""
    raw = raw.float()
    corners, logits = boxes(raw, points, steps), raw[..., 4]
    kind = labels[..., 4]
    chance = logits.detach().sigmoid()
    picture, place = (kind == 1).nonzero(as_tuple=True)
    people = labels[picture, place, :4]
    row, picture, cell, fit = assign(corners.detach(), chance, people, picture, points, steps)
    target = torch.zeros_like(chance)
    target[picture, cell] = fit
    weight = torch.where(target > 0, torch.ones_like(chance), chance ** 1.5)  # varifocal
    doubtful, place = (kind == 0).nonzero(as_tuple=True)
    low, high = labels[doubtful, place, None, :2], labels[doubtful, place, None, 2:4]
    within = ((points - (low + high) / 2).abs() < (high - low) * 0.35).all(-1)
    ignored = torch.zeros_like(chance).index_add_(0, doubtful, within.float()) > 0
    weight = weight * ~(ignored & (target == 0))
    total = target.sum().clamp(min=1)
    score_loss = (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum() / total
    _, like = giou(corners[picture, cell], people[row])
    box_loss = ((1 - like) * fit).sum() / total
    return score_loss, box_loss * BOX_WEIGHT
