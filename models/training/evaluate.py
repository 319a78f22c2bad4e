"""One table for several detectors, by the same code in one run.

    evaluate.py --data DATA --scenes ~/.cache/parapet/scenes --model models/person --model testdata/manifests/yolox_nano_416

AP50 is the area under the precision-recall curve (every point, IoU 0.5) over detections of 0.01 and more. The
operating threshold of each detector is where its F1 is the best on the validation pictures (--validation, the
folder that pack.py wrote, its simulated part, and coco128 together), never on the test sets.
"""

import argparse
import json
import pathlib
import time

import cv2
import numpy as np

import datasets
from augment import Pictures
from detector import Detector, area, matched, overlaps

LEAST = 0.01


def judge(boxes, scores, people, ignore, most=0.5):
    """For each detection: score, 1 right / 0 wrong / −1 does not count."""
    on_ignored = overlaps(boxes, ignore).max(1, initial=0) > 0.5 * area(boxes)
    verdict = np.where(matched(boxes, scores, people, most) >= 0, 1, np.where(on_ignored, -1, 0))
    return np.stack([scores, verdict], 1)


class Tally:
    """Detections of a set, judged."""

    def __init__(self):
        self.rows, self.people, self.pictures = [], 0, 0

    def add(self, rows, people):
        self.rows.append(rows)
        self.people += people
        self.pictures += 1

    def curve(self):
        """Scores from the surest on, recall and precision down to each."""
        rows = np.concatenate(self.rows)
        rows = rows[rows[:, 1] >= 0]
        rows = rows[np.argsort(-rows[:, 0], kind="stable")]
        right = np.cumsum(rows[:, 1])
        return rows[:, 0], right / max(self.people, 1), right / np.arange(1, len(rows) + 1)

    def ap(self):
        _, recall, precision = self.curve()
        if not len(recall):
            return 0.0
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(recall, prepend=0) * precision))

    def best(self):
        """The score with the best F1."""
        scores, recall, precision = self.curve()
        f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-9)
        return float(scores[f1.argmax()]) if len(scores) else 1.0

    def at(self, threshold):
        """Recall, precision and false ones for 1,000 pictures at a threshold."""
        rows = np.concatenate(self.rows)
        rows = rows[rows[:, 0] >= threshold]
        right, wrong = (rows[:, 1] == 1).sum(), (rows[:, 1] == 0).sum()
        return right / max(self.people, 1), right / max(right + wrong, 1), 1000 * wrong / max(self.pictures, 1)


def validation(folder):
    pictures = Pictures(folder, validation=True)
    for n in np.flatnonzero([row["group"].startswith("sim/") for row in pictures.rows]):
        yield *pictures[n], "all"


def milliseconds(detectors, rounds=80):
    """CPU time of one picture on one thread, network only; taken in turns, the fastest quarter's end."""
    inputs = [d.tensor(np.random.default_rng(1).integers(0, 255, (432, 768, 3), np.uint8))[0] for d in detectors]
    spent = [[] for _ in detectors]
    for _ in range(rounds):
        for n, detector in enumerate(detectors):
            begin = time.process_time_ns()
            detector.run(inputs[n])
            spent[n].append((time.process_time_ns() - begin) / 1e6)
    return [float(np.percentile(s[5:], 25)) for s in spent]


def tallies(detector, pictures, most=0.5):
    """Over all pictures, and by tag."""
    found = {}
    for picture, people, ignore, tag in pictures:
        rows = judge(*detector(picture, LEAST), people, ignore, most)
        for key in {"all", *tag.split()}:
            found.setdefault(key, Tally()).add(rows, len(people))
    return found


def sets(args):
    """Name, pictures and the overlap that counts, one set after the other (they are too large to be held together)."""
    data, intel = args.data, args.data / "footage/intel"
    yield "PETS", datasets.pets(data), 0.5
    yield "TUD", datasets.tud(data), 0.5
    if args.scenes:
        yield "sim", datasets.simulated(args.scenes), 0.5
    yield "car", datasets.empty(intel / "car-detection.mp4", 6), 0.5
    yield "bottle", datasets.empty(intel / "bottle-detection.mp4", 15), 0.5
    yield "empty room", datasets.empty_room(data), 0.5
    yield "lying", datasets.lying(data), 0.3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--validation", type=pathlib.Path, required=True)
    parser.add_argument("--scenes", type=pathlib.Path, help="rendered clips of testdata/scenes")
    parser.add_argument("--model", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    detectors = {}
    for folder in args.model:
        detectors[folder.name] = Detector(folder, args.data / "models")
        if "int8" in detectors[folder.name].manifest:
            detectors[f"{folder.name} int8"] = Detector(folder, args.data / "models", int8=True)
    rows = {name: {"ms": spent} for name, spent in zip(detectors, milliseconds(list(detectors.values())))}

    coco, simulated = list(datasets.coco(args.data)), list(validation(args.validation))
    for name, detector in detectors.items():
        parts = [tallies(detector, pictures)["all"] for pictures in (coco, simulated)]
        tuning = Tally()
        for part in parts:
            tuning.rows += part.rows
            tuning.people += part.people
        rows[name] |= {"operating threshold": tuning.best(), "coco128 AP50": parts[0].ap()}
    for what, pictures, most in sets(args):
        pictures = list(pictures)
        for name, detector in detectors.items():
            found, row = tallies(detector, pictures, most), rows[name]
            recall, precision, wrong = found["all"].at(row["operating threshold"])
            if what in ("PETS", "TUD"):
                row |= {f"{what} AP50": found["all"].ap(), f"{what} recall": recall, f"{what} precision": precision}
            elif what == "sim":
                row |= {f"sim {tag} AP50": found[tag].ap() for tag in sorted(found) if found[tag].people > 20}
                row |= {"sim recall": recall, "sim precision": precision}
            elif what == "lying":
                row["lying recall"] = recall
            else:
                row[f"false per 1000, {what}"] = wrong
        people = sum(len(picture[1]) for picture in pictures)
        print(what, len(pictures), "pictures,", people, "people", flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    print("\n| | " + " | ".join(rows) + " |\n|---" + "|---" * len(rows) + "|")
    for key in rows[next(iter(rows))]:
        digits = 1 if key == "ms" or key.startswith("false") else 2
        print(f"| {key} | " + " | ".join(f"{row[key]:.{digits}f}" for row in rows.values()) + " |")


if __name__ == "__main__":
    main()
