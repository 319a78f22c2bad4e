"""One table for several detectors: the sets of datasets.py, scored by `parapet model eval` (src/eval.rs says how it counts).

    evaluate.py --data DATA --scenes ~/.cache/parapet/scenes --model models/person --model testdata/manifests/yolox_nano_416

The operating threshold of each detector is where its F1 is the best on the validation pictures (--validation, the
folder that pack.py wrote, its simulated part, and coco128 together), never on the test sets.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import tempfile
import time

import cv2
import numpy as np

import datasets
from augment import Pictures
from detector import Detector

SIDE = 1000  # what the truth's files take for a picture's width and height, whatever they are


def validation(folder):
    pictures = Pictures(folder, validation=True)
    for n in np.flatnonzero([row["group"].startswith("sim/") for row in pictures.rows]):
        yield *pictures[n], "all"


def written(folder, pictures):
    """Writes a set in MOT's form, a folder for each tag: people count, ignored regions do not."""
    truth = {}
    for picture, people, ignore, tag in pictures:
        place = folder / tag.replace(" ", "+")
        (place / "img1").mkdir(parents=True, exist_ok=True)
        lines, number = truth.setdefault(place, [[], 0])
        truth[place][1] = number = number + 1
        cv2.imwrite(str(place / "img1" / f"{number:06}.png"), picture)
        rows, columns = picture.shape[:2]
        for boxes, counts in ((people, 1), (ignore, 0)):
            for left, top, right, bottom in boxes / np.float32([columns, rows, columns, rows]) * SIDE:
                lines.append(f"{number},-1,{left},{top},{right - left},{bottom - top},{counts}\n")
    for place, (lines, number) in truth.items():
        (place / "gt").mkdir()
        (place / "gt/gt.txt").write_text("".join(lines))
        (place / "seqinfo.ini").write_text(f"[Sequence]\nframeRate=1\nseqLength={number}\nimWidth={SIDE}\nimHeight={SIDE}\n")
    return list(truth)


def evaluated(args, model, places, threshold=0.5):
    """What `parapet model eval` says of each set and of the model with each of its weights."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        words = [f"{name}={folder}" for name, folders in places.items() for folder in folders]
        options = ["--weights", args.data / "models", "--threshold", threshold, "--json", report.name, "--quiet"]
        command = [*shlex.split(args.parapet), "model", "eval", model, *words, *options]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        sets = json.load(report)["sets"]
    return {entry["name"]: {result["model"]: result["all"] for result in entry["results"]} for entry in sets}


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


def sets(args):
    """Name and pictures."""
    data, intel = args.data, args.data / "footage/intel"
    yield "PETS", datasets.pets(data)
    yield "TUD", datasets.tud(data)
    if args.scenes:
        yield "sim", datasets.simulated(args.scenes)
    yield "car", datasets.empty(intel / "car-detection.mp4", 6)
    yield "bottle", datasets.empty(intel / "bottle-detection.mp4", 15)
    yield "room", datasets.empty_room(data)
    yield "lying", ((*picture, "all") for *picture, _ in datasets.lying(data))


def row(found):
    """One detector's figures, by the table's words."""
    figures = {}
    for name, of in found.items():
        if of["people"] == 0:
            figures[f"false per 1000, {name}"] = of["false_per_1000_empty"]
        elif name == "lying":
            figures["lying recall"] = of["recall"]
        elif "-" in name:
            figures |= {f"{name.replace('-', ' ')} AP50": of["ap50"]} if of["people"] > 20 else {}
        else:
            figures |= {f"{name} AP50": of["ap50"], f"{name} recall": of["recall"], f"{name} precision": of["precision"]}
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--validation", type=pathlib.Path, required=True)
    parser.add_argument("--scenes", type=pathlib.Path, help="rendered clips of testdata/scenes")
    parser.add_argument("--model", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--parapet", default="parapet", help="the program, with its first words")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    detectors = {}
    for folder in args.model:
        detectors[folder.name] = Detector(folder, args.data / "models")
        if "int8" in detectors[folder.name].manifest:
            detectors[f"{folder.name} int8"] = Detector(folder, args.data / "models", int8=True)
    rows = {name: {"ms": spent} for name, spent in zip(detectors, milliseconds(list(detectors.values())))}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        coco = written(folder / "coco128", datasets.coco(args.data))
        tuning = {"coco128": coco, "tuning": coco + written(folder / "validation", validation(args.validation))}
        tests = {}
        for name, pictures in sets(args):
            tests[name] = written(folder / name, pictures)
            for tag in sorted({tag for place in tests[name] for tag in place.name.split("+")} - {"all"}):
                tests[f"{name}-{tag}"] = [place for place in tests[name] if tag in place.name.split("+")]
        for name, detector in detectors.items():
            model = next(folder for folder in args.model if folder.name == name.removesuffix(" int8"))
            of = detector.name + " int8" * name.endswith(" int8")
            tuned = evaluated(args, model, tuning)
            threshold = tuned["tuning"][of]["best_f1_score"]
            rows[name] |= {"operating threshold": threshold, "coco128 AP50": tuned["coco128"][of]["ap50"]}
            found = evaluated(args, model, tests, threshold)
            rows[name] |= row({what: models[of] for what, models in found.items()})
            print(name, flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    print("\n| | " + " | ".join(rows) + " |\n|---" + "|---" * len(rows) + "|")
    for key in rows[next(iter(rows))]:
        digits = 1 if key == "ms" or key.startswith("false") else 2
        print(f"| {key} | " + " | ".join(f"{row[key]:.{digits}f}" for row in rows.values()) + " |")


if __name__ == "__main__":
    main()
