"""Turns rendered scenes and labelled footage into one folder of training pictures.

    pictures.bin    raw BGR, one after the other
    index.json      for each: place in the file, size, group, split, people, ignored regions (left, top, right, bottom)

A group (one scene, one clip) lies wholly in training or wholly in validation.
"""

import argparse
import json
import pathlib
import zlib

import cv2

VALIDATION_SHARE = 0.12
HIDDEN = 0.25  # people of whom less is seen are ignored
SMALLEST = 7  # pixels; people with a smaller longest side are ignored


def is_validation(group):
    """By the group's name; of the perimeter clip the last fifth (the rest of it is training), of intel nothing."""
    if group.startswith(("perimeter/", "intel/")):
        return group.endswith("/late")
    return zlib.crc32(group.encode()) % 1000 < VALIDATION_SHARE * 1000


def scene_frames(clip):
    """Pictures of a rendered scene with their people and ignored regions."""
    truth = [json.loads(line) for line in clip.with_suffix(".truth.jsonl").open()]
    video = cv2.VideoCapture(str(clip))
    for row in (row for row in truth if row["type"] == "frame"):
        ok, picture = video.read()
        if not ok:
            return
        people, ignore = [], []
        for person in row["people"]:
            if box := person["visible_box"]:
                x, y, w, h = box
                good = person["visible_share"] >= HIDDEN and max(w, h) >= SMALLEST
                (people if good else ignore).append([x, y, x + w, y + h])
        yield picture, people, ignore


def scenes(folder):
    for clip in sorted(folder.glob("*.mp4")):
        if not clip.stem.startswith("train-") or not clip.with_suffix(".truth.jsonl").is_file():
            raise SystemExit(f"{clip}: not a training scene; testdata/scenes is the held-out set")
        for picture, people, ignore in scene_frames(clip):
            yield "sim/" + clip.stem, picture, people, ignore


def footage(folder):
    for line in (folder / "labels.jsonl").open():
        row = json.loads(line)
        picture = cv2.imread(str(folder / "pictures" / row["picture"]))
        late = row["group"].startswith("perimeter/") and int(row["picture"][-9:-4]) >= 480
        yield row["group"] + "/late" * late, picture, row["people"], row["ignore"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=pathlib.Path, required=True, help="rendered clips")
    parser.add_argument("--footage", type=pathlib.Path, required=True, help="what label.py wrote")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    index, place = [], 0
    with open(args.out / "pictures.bin", "wb") as pictures:
        for source in (scenes(args.scenes), footage(args.footage)):
            for group, picture, people, ignore in source:
                rows, columns = picture.shape[:2]
                index.append({"place": place, "rows": rows, "columns": columns, "group": group,
                              "validation": is_validation(group), "people": people, "ignore": ignore})
                pictures.write(picture.tobytes())
                place += picture.size
    (args.out / "index.json").write_text(json.dumps(index))
    for split in (False, True):
        part = [row for row in index if row["validation"] == split]
        simulated = sum(row["group"].startswith("sim/") for row in part)
        print("validation" if split else "training", len(part), "pictures,", simulated, "simulated,",
              sum(len(row["people"]) for row in part), "people,", len({row["group"] for row in part}), "groups")


if __name__ == "__main__":
    main()
