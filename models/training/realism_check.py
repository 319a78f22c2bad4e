"""Are drawn figures found as often as real people who are as large in the picture and as crowded?

    python realism_check.py --data <PARAPET_DATA> --scenes <rendered clips> --model testdata/manifests/yolox_nano_416

`parapet sim realism` says which share of the drawn figures a detector finds. What it would find of real
people it leaves open: a detector with an input of 416 misses many a small, lying or half overlapped person
too. This asks it of PETS09-S2L1, TUD-Campus, TUD-Stadtmitte and of the people who lie at the end of the
fall clips, made smaller in steps and continued at the edges by their mirror image, and counts alike: a person
is whole if nobody in front takes more than 5 % of the box and no edge cuts it, is crowded if any other box
takes more than a quarter of it, and is found by a score of at least 0.4 at an IoU of at least 0.5.

Sizes are in pixels of a picture 1920 wide: the height, and of those who lie the longer side.
"""

import argparse
import collections
import json
import pathlib

import cv2
import numpy as np

import datasets
from detector import Detector, area, matched, overlaps

WIDTH = 1920
SIZES = [64, 80, 96, 112, 128, 160, 192, 256, 1920]
SHRINK = [1.0, 0.8, 0.65, 0.5, 0.4]
LOW = {"lie", "roll", "fall"}
CRAWL = {"crawl"}
# Fewer real people than this say nothing about a size.
ENOUGH = 20


def found(boxes, detector, picture):
    """Which boxes are found."""
    people, scores = detector(picture, 0.4)
    whom, hit = matched(people, scores, boxes, 0.5), np.zeros(len(boxes), bool)
    hit[whom[whom >= 0]] = True
    return hit


def is_crowded(boxes):
    shared = overlaps(boxes, boxes)
    np.fill_diagonal(shared, 0)
    return (shared > 0.25 * area(boxes)[:, None]).any(1)


def is_whole(boxes, shape):
    """Whom nobody hides who is nearer to a camera that looks down, and no edge."""
    shared = overlaps(boxes, boxes) * (boxes[None, :, 3] > boxes[:, None, 3])
    inside = (boxes[:, :2] > 1).all(1) & (boxes[:, 2:] < np.array(shape[1::-1]) - 1).all(1)
    return inside & (shared.sum(1) <= 0.05 * area(boxes))


def size_of(box, low, wide):
    width, height = box[2:] - box[:2]
    side = max(width, height) if low else height
    return int(np.searchsorted(SIZES, side * WIDTH / wide, "right")) - 1


def smaller(picture, boxes, factor):
    if factor == 1:
        return picture, boxes
    rows, columns = picture.shape[:2]
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    down, right = (rows - small.shape[0]) // 2, (columns - small.shape[1]) // 2
    edges = down, rows - small.shape[0] - down, right, columns - small.shape[1] - right
    return cv2.copyMakeBorder(small, *edges, cv2.BORDER_REFLECT), boxes * factor + np.float32([right, down] * 2)


def real(data):
    """Pictures, boxes and whether they lie."""
    campus = datasets.mot(data / "footage/tud/TUD-Campus.mp4", data / "mot/TUD-Campus/gt/gt.txt", 1.0, 4)
    for upright in (datasets.pets(data), datasets.tud(data), campus):
        for picture, boxes, _, _ in upright:
            yield picture, boxes, False
    for picture, boxes, _, _ in datasets.lying(data, 3):
        yield picture, boxes, True


def measure_real(data, detectors, counts):
    for picture, boxes, low in real(data):
        for factor in SHRINK if len(boxes) else []:
            shown, at = smaller(picture, boxes, factor)
            crowded, whole = is_crowded(at), is_whole(at, shown.shape) | low
            for name, detector in detectors.items():
                hit = found(at, detector, shown)
                for n in np.flatnonzero(whole):
                    kind = "low" if low else "crowded" if crowded[n] else "free"
                    counts[name, "real", kind, size_of(at[n], low, shown.shape[1])].append(hit[n])


def measure_drawn(scenes, detectors, counts, every):
    for truth in sorted(scenes.glob("*/*.truth.jsonl")) + sorted(scenes.glob("*.truth.jsonl")):
        rows = [json.loads(line) for line in truth.open()]
        if rows[0]["conditions"] not in ([], ["day"]):
            continue
        rows = [row for row in rows if row["type"] == "frame"]
        video = truth.with_name(truth.name.replace(".truth.jsonl", ".mp4"))
        for n, picture in datasets.frames(video, every):
            people = [person for person in rows[n]["people"] if person["box"]]
            if not people or rows[n]["picture"] != "live":
                continue
            boxes = np.float32([person["box"] for person in people])
            boxes[:, 2:] += boxes[:, :2]
            crowded = is_crowded(boxes)
            for name, detector in detectors.items():
                for person, box, hit, tight in zip(people, boxes, found(boxes, detector, picture), crowded):
                    posture = person["posture"]
                    low, crawls = posture in LOW, posture in CRAWL
                    kind = "low" if low else "crawling" if crawls else "crowded" if tight else "free"
                    if person["visible_share"] >= 0.95 and not person["truncated"]:
                        counts[name, "drawn", kind, size_of(box, low or crawls, picture.shape[1])].append(hit)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--scenes", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--every", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    detectors = {folder.name: Detector(folder, args.data / "models") for folder in args.model}
    counts = collections.defaultdict(list)
    measure_real(args.data, detectors, counts)
    measure_drawn(args.scenes, detectors, counts, args.every)
    for name in detectors:
        print(f"\n{name}\n\n| | px of {WIDTH} | drawn | found | real | found |\n|---|---|---|---|---|---|")
        total, hits, both, alike, same = 0, 0, 0, 0, 0.0
        for kind in ("free", "crowded", "low", "crawling"):
            for size, (least, below) in enumerate(zip(SIZES, SIZES[1:])):
                drawn, people = (counts[name, which, kind, size] for which in ("drawn", "real"))
                if not drawn:
                    continue
                total, hits = total + len(drawn), hits + sum(drawn)
                enough = len(people) >= ENOUGH
                if enough:
                    both, alike = both + len(drawn), alike + sum(drawn)
                    same += len(drawn) * np.mean(people)
                shown = f"{len(people)} | {np.mean(people):.1%}" if enough else f"{len(people)} |"
                print(f"| {kind} | {least}–{below} | {len(drawn)} | {np.mean(drawn):.1%} | {shown} |")
        print(f"\nfound of all {total} drawn figures: {hits / max(total, 1):.1%}; of real people with the same"
              f" mix of sizes and kinds ({both / max(total, 1):.0%} of it has a real counterpart): {same / max(both, 1):.1%}")
        print(f"of the drawn figures with a real counterpart: {alike / max(both, 1):.1%}")


if __name__ == "__main__":
    main()
