"""Person boxes of the three public models in one picture, as JSON: an independent decoding to compare
Parapet's heads with.

    python3 testdata/python/reference_boxes.py MODELS_DIR PICTURE      # numpy, cv2, onnxruntime

Prints {"model": [{"score": s, "box": [left, top, right, bottom]}, …], …}, best first, the boxes in
0..1 of the picture, scores of 0.4 and more, after NMS. Other classes are not looked at. Resizing is cv2's, so a box may differ from
Parapet's by a pixel or two of the input.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

SCORE = 0.4
PERSON = 0


def run(path, tensor):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: tensor})


def nchw(picture):
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)


def cells(side, stride):
    """Column and row of every cell, row by row."""
    n = -(-side // stride)
    rows, columns = np.mgrid[0:n, 0:n]
    return columns.ravel().astype(np.float64), rows.ravel().astype(np.float64)


def yolox(folder, picture):
    """BGR 0..255, letterboxed to the top left, the rest 114; offsets and log sizes per cell."""
    scale = min(416 / picture.shape[1], 416 / picture.shape[0])
    across, down = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    canvas = np.full((416, 416, 3), 114, np.uint8)
    canvas[:down, :across] = cv2.resize(picture, (across, down))
    rows = run(folder / "yolox_nano_416.onnx", nchw(canvas))[0][0].astype(np.float64)
    boxes, begin = np.empty((len(rows), 4)), 0
    for stride in (8, 16, 32):
        columns, lines = cells(416, stride)
        part = rows[begin:begin + len(columns)]
        x, y = (part[:, 0] + columns) * stride, (part[:, 1] + lines) * stride
        w, h = np.exp(part[:, 2]) * stride, np.exp(part[:, 3]) * stride
        boxes[begin:begin + len(columns)] = np.stack(
            [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
        begin += len(columns)
    assert begin == len(rows)
    return boxes / [across, down, across, down], rows[:, 4] * rows[:, 5 + PERSON], 0.5


def picodet(folder, picture):
    """RGB, ImageNet's mean and deviation, stretched; per level scores and distances of 8 bins."""
    rgb = cv2.resize(picture, (416, 416))[:, :, ::-1].astype(np.float32) / 255
    tensor = nchw((rgb - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])
    outputs = run(folder / "picodet_s_416_coco.onnx", tensor)
    boxes, scores = [], []
    for level, stride in enumerate((8, 16, 32, 64)):
        columns, lines = cells(416, stride)
        sure, bins = outputs[level][0], outputs[4 + level][0].astype(np.float64).reshape(-1, 4, 8)
        weights = np.exp(bins - bins.max(2, keepdims=True))
        sides = (weights * np.arange(8)).sum(2) / weights.sum(2) * stride
        x, y = (columns + 0.5) * stride, (lines + 0.5) * stride
        boxes.append(np.stack([x - sides[:, 0], y - sides[:, 1], x + sides[:, 2], y + sides[:, 3]], 1))
        scores.append(sure[:, PERSON])
    return np.concatenate(boxes) / 416, np.concatenate(scores), 0.5


def fastestdet(folder, picture):
    """BGR 0..1, stretched; one grid of 22 x 22, offsets by tanh, sizes by sigmoid."""
    tensor = nchw(cv2.resize(picture, (352, 352)).astype(np.float32) / 255)
    grid = run(folder / "FastestDet_352.onnx", tensor)[0][0].astype(np.float64).reshape(85, -1)
    columns, lines = cells(352, 16)
    x, y = (columns + np.tanh(grid[1])) / 22, (lines + np.tanh(grid[2])) / 22
    w, h = 1 / (1 + np.exp(-grid[3])), 1 / (1 + np.exp(-grid[4]))
    sure = grid[0].clip(0) ** 0.6 * grid[5 + PERSON].clip(0) ** 0.4
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
    return boxes, sure, 0.45


def suppress(boxes, scores, most, shape):
    """Greedy NMS over what is sure enough; overlap is measured in the picture's pixels."""
    size = np.array([shape[1], shape[0]] * 2, np.float64)
    kept = []
    for n in np.argsort(-scores, kind="stable"):
        if scores[n] < SCORE:
            break
        a = boxes[n] * size
        for b in (boxes[m] * size for m in kept):
            inner = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
            common = inner.clip(0).prod()
            if common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common) > most:
                break
        else:
            kept.append(n)
    return kept


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, picture = Path(sys.argv[1]), cv2.imread(sys.argv[2], cv2.IMREAD_COLOR)
    if picture is None:
        sys.exit(f"{sys.argv[2]}: not a picture that cv2 reads")
    answer = {}
    for name, model in (("yolox_nano_416", yolox), ("picodet_s_416_coco", picodet),
                        ("fastestdet_352", fastestdet)):
        boxes, scores, most = model(folder, picture)
        answer[name] = [
            {"score": round(float(scores[n]), 4),
             "box": [round(float(v), 5) for v in boxes[n].clip(0, 1)]}
            for n in suppress(boxes, scores, most, picture.shape)]
    print(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()
