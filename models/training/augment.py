"""Training samples: a window of a picture (or of four), warped, with things drawn in. What light and cameras do to it: degrade.py."""

import json

import cv2
import numpy as np

import model

MOST = 48  # people of one sample
PAD = 114
ON_ITS_SIDE = 0.07  # share of windows turned by a quarter
CLUTTER = 0.25  # share of windows with drawn things in them


class Pictures:
    """The folder that pack.py wrote; pixels stay on disk until they are asked for."""

    def __init__(self, folder, validation):
        index = json.loads((folder / "index.json").read_text())
        self.rows = [row for row in index if row["validation"] == validation]
        self.data = np.memmap(folder / "pictures.bin", np.uint8, "r")
        kinds = [self.kind(row) for row in self.rows]
        self.by_kind = {kind: np.flatnonzero([k == kind for k in kinds]) for kind in sorted(set(kinds))}

    @staticmethod
    def kind(row):
        simulated = "simulated" if row["group"].startswith("sim/") else row["group"].split("/")[0]
        return simulated if row["people"] else simulated + " empty"

    def __getitem__(self, n):
        row = self.rows[n]
        size = row["rows"] * row["columns"] * 3
        picture = self.data[row["place"]:row["place"] + size].reshape(row["rows"], row["columns"], 3)
        both = [np.array(row[key], np.float32).reshape(-1, 4) for key in ("people", "ignore")]
        return picture, *both


def window(rng, picture, people, ignore, width, height):
    """A random part of the picture at a random scale, mostly around somebody; boxes follow."""
    rows, columns = picture.shape[:2]
    fit = min(model.WIDTH / columns, model.HEIGHT / rows)  # what the detector would see the whole picture at
    scale = fit * np.exp(rng.uniform(np.log(0.55), np.log(2.0)))
    middle = np.float32([rng.uniform(0, columns), rng.uniform(0, rows)])
    if len(people) and rng.random() < 0.85:
        box = people[rng.integers(len(people))]
        tall = max(box[3] - box[1], box[2] - box[0])
        # Sizes that cameras show: 12 pixels to nearly the whole height, small ones more often.
        low, high = max(12 / tall, fit * 0.5), min(0.9 * height / tall, fit * 2.6)
        scale = np.exp(rng.uniform(np.log(low), np.log(max(high, low * 1.05))))
        middle = (box[:2] + box[2:]) / 2 + rng.uniform(-0.42, 0.42, 2) * [width, height] / scale
    if rng.random() < 0.85:  # no more of the outside than must be
        for axis, (side, most) in enumerate(((width, columns), (height, rows))):
            half = side / 2 / scale
            middle[axis] = np.clip(middle[axis], half, most - half) if 2 * half < most else most / 2
    stretch = np.exp(rng.normal(0, 0.06))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    shear = rng.normal(0, 0.03)
    turn = np.float32([[flip * scale * stretch, shear * scale], [0, scale / stretch]])
    if rng.random() < ON_ITS_SIDE:  # who stood lies: footage hardly shows anybody who does
        quarter = np.float32([[0, -1], [1, 0]] if rng.random() < 0.5 else [[0, 1], [-1, 0]])
        turn = quarter @ turn
    move = np.float32([width / 2, height / 2]) - turn @ middle.astype(np.float32)
    if scale < 0.6:
        picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        warp = np.hstack([turn * 2, move[:, None]])
    else:
        warp = np.hstack([turn, move[:, None]])
    canvas = cv2.warpAffine(picture, warp, (width, height), flags=cv2.INTER_LINEAR, borderValue=(PAD,) * 3)
    return canvas, *(moved(boxes, turn, move, width, height) for boxes in (people, ignore))


def moved(boxes, turn, move, width, height):
    """Boxes after the warp, cut by the window; mostly cut ones get a last column of 0 (ignore), others 1."""
    if not len(boxes):
        return np.zeros((0, 5), np.float32)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ turn.T + move
    low, high = corners.min(1), corners.max(1)
    cut_low, cut_high = np.clip(low, 0, [width, height]), np.clip(high, 0, [width, height])
    whole, seen = (high - low).prod(1), np.clip(cut_high - cut_low, 0, None).prod(1)
    size = (cut_high - cut_low).max(1)
    good = (seen > 0.3 * whole) & (size >= 7)
    return np.hstack([cut_low, cut_high, good[:, None]])[seen > 0].astype(np.float32)


def clutter(rng, picture, boxes):
    """Things that are no person, close up: upright and lying rounded bodies with a neck, a label and a sheen (bottles,
    pillars, bins, chairs' backs), where nobody is hidden by them."""
    rows, columns = picture.shape[:2]
    for _ in range(rng.integers(1, 5)):
        tall = np.exp(rng.uniform(np.log(0.15), np.log(0.95))) * rows
        wide = tall * rng.uniform(0.18, 0.6)
        if rng.random() < 0.25:
            tall, wide = wide, tall
        left, top = int(rng.uniform(-wide / 2, columns - wide / 2)), int(rng.uniform(-tall / 3, rows - tall * 0.6))
        x, y = max(left, 0), max(top, 0)
        part = picture[y:top + int(tall) + 2, x:left + int(wide) + 2]
        if not part.size:
            continue
        low = np.float32([x, y])
        over = np.minimum(boxes[:, 2:4], low + part.shape[1::-1]) - np.maximum(boxes[:, :2], low)
        if (over > 0).all(1).any():
            continue
        down = np.linspace(0, 1, 24)
        neck, shoulder = rng.uniform(0.25, 1.0), rng.uniform(0.1, 0.45)
        width = wide / 2 * (neck + (1 - neck) * np.clip((down - shoulder) / rng.uniform(0.05, 0.4), 0, 1))
        sides = [np.stack([left + wide / 2 + sign * width, top + down * tall], 1)[::sign] for sign in (1, -1)]
        mask = np.zeros(part.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(np.concatenate(sides) - low).astype(np.int32)], 255)
        mask = cv2.GaussianBlur(mask, (3, 3), 0)[..., None] * np.float32(rng.uniform(0.6, 1.0) / 255)
        across = (np.arange(part.shape[1]) + x - left) / wide
        sheen = rng.uniform(0.4, 1.0) + rng.uniform(0, 0.9) * np.exp(-((across - rng.uniform(0.15, 0.85)) / rng.uniform(0.05, 0.4)) ** 2)
        colour = rng.uniform(0, 230, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(0, 230))
        body = np.repeat((colour * sheen[:, None]).astype(np.float32)[None], part.shape[0], 0)
        if rng.random() < 0.5:  # a label, a lid
            begin = rng.uniform(0, 0.8)
            end = begin + rng.uniform(0.05, 0.4)
            body[int(begin * len(body)):int(end * len(body))] *= rng.uniform(0.3, 2.0, 3).astype(np.float32)
        part[:] = part * (1 - mask) + body.clip(0, 255) * mask
    return picture


def sample(rng, pictures, weights, width, height, mosaic):
    """One sample: RGB [3, h, w] (u8) and people and ignored regions together [MOST, 5] (last column: 1 or 0, −1 none); `mosaic` is the share of mosaics."""
    kinds = [kind for kind in weights if kind in pictures.by_kind]
    chance = np.array([weights[kind] for kind in kinds])

    def pick(w, h):
        kind = kinds[rng.choice(len(kinds), p=chance / chance.sum())]
        canvas, people, ignore = window(rng, *pictures[rng.choice(pictures.by_kind[kind])], w, h)
        ignore[:, 4:] = 0
        if rng.random() < CLUTTER:
            canvas = clutter(rng, canvas, people)
        return canvas, np.concatenate([people, ignore])

    if rng.random() < mosaic:
        x, y = (int(rng.uniform(0.35, 0.65) * side) for side in (width, height))
        canvas, found = np.empty((height, width, 3), np.uint8), []
        for left, top, w, h in ((0, 0, x, y), (x, 0, width - x, y), (0, y, x, height - y), (x, y, width - x, height - y)):
            part, boxes = pick(w, h)
            canvas[top:top + h, left:left + w] = part
            found.append(boxes + np.float32([left, top, left, top, 0]))
        boxes = np.concatenate(found)
    else:
        canvas, boxes = pick(width, height)
    label = np.full((MOST, 5), -1, np.float32)
    label[:len(boxes)] = boxes[:MOST]
    return np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1)), label
