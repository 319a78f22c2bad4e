"""Labels real footage with what public detectors agree on.

A person is kept where at least two of the three teachers see it (IoU of 0.5 and more) and one of them is sure
of it; whatever only one sees becomes a region that training ignores. Pictures wider than high are looked at
three times: whole, and its left and right square, so that small people are seen at nearly twice the size.

Clips that the evaluation uses (car, bottle, one-by-one-person, PETS, TUD, falls, coco128) are not in the list.
"""

import argparse
import json
import pathlib

import cv2
import numpy as np

from detector import Detector, iou, nms

# Folder of the footage, pattern, every so many frames, most frames of one clip.
SOURCES = [
    ("perimeter", "*.264", 6, 100),
    ("intel/preview", "classroom.gif", 6, 20),
    ("intel/preview", "face-demographics-walking*.gif", 8, 15),
    ("intel/preview", "people-detection.gif", 6, 20),
    ("intel/preview", "store-aisle-detection.gif", 5, 30),
    ("intel/preview", "worker-zone-detection.gif", 5, 30),
    ("fights/fight", "*.mp4", 6, 8),
    ("fights/no_fight", "*.mp4", 6, 8),
]
# Each with the score from which on what it alone sees is a doubt: the third one's scores run high.
TEACHERS = {"yolox_nano_416": 0.2, "picodet_s_416_coco": 0.25, "fastestdet_352": 0.5}
DOUBTFUL = list(TEACHERS.values())
SEEN, SURE = 0.2, 0.45
LONGEST = 640  # pictures are stored no longer than this


def views(picture):
    """Parts of the picture to look at: left, right (pixels)."""
    rows, columns = picture.shape[:2]
    if columns < 1.2 * rows or columns < 400:
        return [(0, columns)]
    return [(0, columns), (0, rows), (columns - rows, columns)]


def look(teacher, picture):
    """One teacher's people: boxes and scores."""
    columns = picture.shape[1]
    boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for left, right in views(picture):
        found, sure = teacher(np.ascontiguousarray(picture[:, left:right]), SEEN)
        cut = ((found[:, 0] < 3) & (left > 0)) | ((found[:, 2] > right - left - 3) & (right < columns))
        boxes.append(found[~cut] + np.float32([left, 0, left, 0]))
        scores.append(sure[~cut])
    boxes, scores = np.concatenate(boxes), np.concatenate(scores)
    keep = nms(boxes, scores, 0.55)
    return boxes[keep], scores[keep]


def agree(views_of_teachers):
    """What at least two see, and what is doubtful: two lists of boxes."""
    boxes = np.concatenate([b for b, _ in views_of_teachers])
    scores = np.concatenate([s for _, s in views_of_teachers])
    who = np.concatenate([np.full(len(s), n) for n, (_, s) in enumerate(views_of_teachers)])
    like = iou(boxes, boxes)
    people, doubtful, free = [], [], np.ones(len(boxes), bool)
    for n in np.argsort(-scores, kind="stable"):
        if not free[n]:
            continue
        group = np.flatnonzero(free & (like[n] >= 0.5))
        free[group] = False
        seen = [g for g in group if scores[g] >= SEEN]
        if len({who[g] for g in seen}) >= 2 and scores[n] >= SURE:
            people.append(np.average(boxes[seen], axis=0, weights=scores[seen]))
        else:
            if any(scores[g] >= DOUBTFUL[who[g]] for g in group):
                doubtful.append(boxes[group].mean(axis=0))
    # What is doubtful and mostly a person already is no news.
    if people and doubtful:
        news = iou(np.array(doubtful), np.array(people)).max(axis=1) < 0.6
        doubtful = [box for box, new in zip(doubtful, news) if new]
    return people, doubtful


def frames(path, every, most):
    video = cv2.VideoCapture(str(path))
    for n in range(every * most):
        if not video.grab():
            break
        if n % every == every // 2:
            ok, picture = video.retrieve()
            if ok:
                yield n, picture


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder that SOURCES.md describes")
    parser.add_argument("--manifests", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    teachers = [Detector(args.manifests / name, args.data / "models") for name in TEACHERS]
    (args.out / "pictures").mkdir(parents=True, exist_ok=True)
    with open(args.out / "labels.jsonl", "w") as labels:
        for folder, pattern, every, most in SOURCES:
            for path in sorted((args.data / "footage" / folder).glob(pattern)):
                for n, picture in frames(path, every, most):
                    factor = min(1, LONGEST / max(picture.shape[:2]))
                    people, doubtful = agree([look(teacher, picture) for teacher in teachers])
                    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
                    name = f"{path.stem}-{n:05}.jpg"
                    cv2.imwrite(str(args.out / "pictures" / name), small, [cv2.IMWRITE_JPEG_QUALITY, 95])
                    scaled = lambda boxes: [[round(float(v) * factor, 1) for v in box] for box in boxes]
                    row = {"picture": name, "group": f"{folder}/{path.stem}", "people": scaled(people), "ignore": scaled(doubtful)}
                    labels.write(json.dumps(row) + "\n")
                labels.flush()


if __name__ == "__main__":
    main()
