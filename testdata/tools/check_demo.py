"""Runs the demo model over the encoded demo clip and compares with what was drawn.

    python3 testdata/tools/check_demo.py          # needs numpy, cv2, onnxruntime; exit 1 when it fails

A figure is found when a box overlaps the drawn one with an IoU of 0.5 or more. One that is less than
three quarters inside the picture is not asked for, but may be found.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

import draw_demo

ROOT = Path(__file__).resolve().parents[2]
THRESHOLD, OVERLAP = 0.5, 0.5
WIDTH, HEIGHT = 416, 256


def iou(a, b):
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0.0
    area = lambda r: (r[2] - r[0]) * (r[3] - r[1])
    return across * down / (area(a) + area(b) - across * down)


def cut(box):
    limits = (draw_demo.WIDTH, draw_demo.HEIGHT) * 2
    return tuple(min(max(v, 0), most) for v, most in zip(box, limits))


def detect(session, picture):
    """(score, box in the picture's pixels) after NMS."""
    scale = min(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    across, down = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    left, top = (WIDTH - across) // 2, (HEIGHT - down) // 2
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    canvas[top:top + down, left:left + across] = cv2.resize(picture, (across, down))
    tensor = canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
    rows = session.run(None, {"images": tensor})[0][0].T
    kept = []
    for x, y, w, h, score in sorted(rows, key=lambda r: -r[4]):
        if score < 0.1:
            break
        box = cut(((x - w / 2 - left) / scale, (y - h / 2 - top) / scale,
                   (x + w / 2 - left) / scale, (y + h / 2 - top) / scale))
        if all(iou(box, other) <= 0.5 for _, other in kept):
            kept.append((score, box))
    return kept


def main():
    session = onnxruntime.InferenceSession(str(ROOT / "models/demo/model.onnx"))
    clip = cv2.VideoCapture(str(ROOT / "testdata/clips/demo.mp4"))
    asked = found = strange = boxes = 0
    overlaps, scores, misses = [], [], []
    n = -1
    while True:
        good, picture = clip.read()
        if not good:
            break
        n += 1
        if n % 3:
            continue
        t = n * draw_demo.FPS_DEN / draw_demo.FPS_NUM
        drawn = [(name, box, cut(box)) for name, box in draw_demo.boxes(t)]
        seen = [(s, b) for s, b in detect(session, picture) if s >= THRESHOLD]
        boxes += len(seen)
        for name, whole, inside in drawn:
            share = (inside[2] - inside[0]) / (whole[2] - whole[0])
            if share < 0.75:
                continue
            asked += 1
            best = max(((iou(b, inside), s) for s, b in seen), default=(0, 0))
            if best[0] >= OVERLAP:
                found += 1
                overlaps.append(best[0])
                scores.append(best[1])
            else:
                misses.append((round(t, 2), name, round(best[0], 2)))
        for score, box in seen:
            if all(iou(box, inside) < 0.1 for _, _, inside in drawn):
                strange += 1
                misses.append((round(t, 2), "nobody there", box))
    share = found / max(asked, 1)
    print(f"pictures {n // 3 + 1} of {n + 1}, figures {asked}, found {found} ({share:.2%}), boxes "
          f"{boxes}, of them elsewhere {strange}")
    print(f"IoU min {min(overlaps):.2f} median {np.median(overlaps):.2f}; "
          f"score min {min(scores):.2f} median {np.median(scores):.2f}")
    for miss in misses:
        print("  ", miss)
    ok = n + 1 == draw_demo.FRAMES and share >= 0.98 and strange == 0
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
