"""Runs any model folder that Parapet reads (model.toml) with ONNX Runtime: teachers, rivals and our own alike."""

import pathlib
import tomllib

import cv2
import numpy as np
import onnxruntime

onnxruntime.set_default_logger_severity(3)


def session(path, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def area(boxes):
    return np.prod(np.clip(boxes[..., 2:] - boxes[..., :2], 0, None), axis=-1)


def overlaps(a, b):
    """Intersections of boxes a [n, 4] and b [m, 4] (left, top, right, bottom): [n, m]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.clip(high - low, 0, None), axis=-1)


def iou(a, b):
    both = overlaps(a, b)
    return both / np.maximum(area(a)[:, None] + area(b)[None] - both, 1e-9)


def nms(boxes, scores, most_iou):
    """Places of the boxes that stay, the surest first."""
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        kept.append(order[0])
        order = order[1:][iou(boxes[order[:1]], boxes[order[1:]])[0] <= most_iou]
    return np.array(kept, int)


def matched(boxes, scores, people, least):
    """Whom each detection stands for, the surest first: a place in `people`, nobody's twice, or -1."""
    like, free, whom = iou(boxes, people), np.ones(len(people), bool), np.full(len(boxes), -1)
    for n in np.argsort(-scores, kind="stable"):
        best = np.where(free, like[n], 0)
        if len(people) and best.max() >= least:
            whom[n] = best.argmax()
            free[whom[n]] = False
    return whom


def cells(width, height, strides, center=0.0):
    """Every cell's place and stride: [n, 2] and [n, 1], strides one after the other, rows first."""
    places, steps = [], []
    for stride in strides:
        columns, rows = -(-width // stride), -(-height // stride)
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        places.append(np.stack([x.ravel(), y.ravel()], 1) + center)
        steps.append(np.full((columns * rows, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(steps).astype(np.float32)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


class Detector:
    """A model folder, opened. Calling it with a BGR picture gives person boxes (in its pixels) and scores."""

    def __init__(self, folder, weights=None, threads=1, int8=False):
        self.manifest = m = tomllib.loads((pathlib.Path(folder) / "model.toml").read_text())
        file = m["int8"]["file"] if int8 else m["file"]
        places = [pathlib.Path(p) / file for p in (folder, weights) if p]
        self.session = session(next(p for p in places if p.is_file()), threads)
        self.name, self.input, self.head = m["name"], m["input"], m["output"]
        self.person = m["labels"].index("person")
        self.input_name = self.session.get_inputs()[0].name

    def tensor(self, picture):
        """The input [1, 3, h, w] and what leads back: factors and offsets of x and y."""
        width, height = self.input["width"], self.input["height"]
        rows, columns = picture.shape[:2]
        fx, fy, ox, oy = width / columns, height / rows, 0, 0
        if self.input["resize"] == "letterbox":
            fx = fy = min(fx, fy)
            w, h = round(columns * fx), round(rows * fy)
            canvas = np.full((height, width, 3), self.input["pad"], np.uint8)
            if self.input.get("placement", "center") == "center":
                ox, oy = (width - w) // 2, (height - h) // 2
            canvas[oy:oy + h, ox:ox + w] = cv2.resize(picture, (w, h), interpolation=cv2.INTER_LINEAR)
        else:
            canvas = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        if self.input["color"] == "rgb":
            canvas = canvas[..., ::-1]
        norm = (canvas - np.float32(self.input["mean"])) / np.float32(self.input["std"])
        return np.ascontiguousarray(norm.transpose(2, 0, 1)[None], np.float32), np.float32([fx, fy, ox, oy])

    def run(self, tensor):
        return self.session.run(None, {self.input_name: tensor})

    def __call__(self, picture, threshold=0.05, most_iou=None):
        tensor, (fx, fy, ox, oy) = self.tensor(picture)
        boxes, scores = self.decode(self.run(tensor))
        keep = scores >= threshold
        boxes, scores = boxes[keep], scores[keep]
        keep = nms(boxes, scores, most_iou or self.manifest.get("nms_iou", 0.5))
        boxes, scores = boxes[keep], scores[keep]
        boxes = (boxes - np.float32([ox, oy, ox, oy])) / np.float32([fx, fy, fx, fy])
        rows, columns = picture.shape[:2]
        return np.clip(boxes, 0, np.float32([columns, rows, columns, rows])), scores

    def decode(self, outputs):
        width, height, head = self.input["width"], self.input["height"], self.head["head"]
        if head == "yolov8":
            rows = outputs[0][0].T
            scores, middle, size = rows[:, 4 + self.person], rows[:, :2], rows[:, 2:4]
        elif head == "yolox":
            rows = outputs[0][0]
            place, step = cells(width, height, self.head["strides"])
            scores = rows[:, 4] * rows[:, 5 + self.person]
            middle, size = (rows[:, :2] + place) * step, np.exp(rows[:, 2:4]) * step
        elif head == "gfl":
            strides, bins = self.head["strides"], self.head["bins"]
            place, step = cells(width, height, strides, self.head["center"])
            scores = np.concatenate([o[0] for o in outputs[:len(strides)]])[:, self.person]
            sides = np.concatenate([o[0] for o in outputs[len(strides):]]).reshape(-1, 4, bins)
            sides = np.exp(sides - sides.max(-1, keepdims=True))
            sides = (sides / sides.sum(-1, keepdims=True)) @ np.arange(bins, dtype=np.float32) * step
            return np.concatenate([place * step - sides[:, :2], place * step + sides[:, 2:]], 1), scores
        elif head == "fastestdet":
            _, rows, columns = outputs[0][0].shape
            o = outputs[0][0].reshape(outputs[0].shape[1], -1)
            place, _ = cells(columns, rows, [1])
            scores = np.clip(o[0], 0, None) ** 0.6 * np.clip(o[5 + self.person], 0, None) ** 0.4
            scores = np.where(o[5:].argmax(0) == self.person, scores, 0)
            scale = np.float32([width, height])
            middle = (place + np.tanh(o[1:3].T)) / np.float32([columns, rows]) * scale
            size = sigmoid(o[3:5].T) * scale
        else:
            raise ValueError(f"head {head}")
        return np.concatenate([middle - size / 2, middle + size / 2], 1), scores
