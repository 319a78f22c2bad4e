"""What the evaluation looks at. Nothing of it is training data: see SOURCES in label.py and scenes.py.

Each set yields pictures (BGR), people and ignored regions (left, top, right, bottom in pixels) and a tag.
"""

import json

import cv2
import numpy as np

LONGEST = 960  # pictures are looked at no longer than this


def fitted(picture, *boxes):
    factor = min(1, LONGEST / max(picture.shape[:2]))
    if factor < 1:
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return picture, *(np.array(b, np.float32).reshape(-1, 4) * factor for b in boxes)


def frames(path, every=1, first=0):
    video, n = cv2.VideoCapture(str(path)), 0
    while video.grab():
        if n >= first and (n - first) % every == 0:
            yield n, video.retrieve()[1]
        n += 1


def mot(video, truth, factor, every):
    """MOT ground truth; frame numbers of the truth begin with 1."""
    people = {}
    for line in open(truth):
        n, _, x, y, w, h, good = (float(v) for v in line.split(",")[:7])
        if good:
            people.setdefault(int(n), []).append([x * factor, y * factor, (x + w) * factor, (y + h) * factor])
    for n, picture in frames(video, every):
        yield *fitted(picture, people.get(n + 1, []), []), "all"


def pets(data, every=8):
    yield from mot(data / "footage/pets/vtest_480x360_795f.mp4", data / "mot/PETS09-S2L1/gt/gt.txt", 0.625, every)


def tud(data, every=4):
    yield from mot(data / "footage/tud/TUD-Stadtmitte.mp4", data / "mot/TUD-Stadtmitte/gt/gt.txt", 1.0, every)


def coco(data):
    folder = data / "images/coco128"
    for path in sorted((folder / "images").glob("*.jpg")):
        picture, people = cv2.imread(str(path)), []
        rows, columns = picture.shape[:2]
        label = folder / "labels" / (path.stem + ".txt")
        for line in label.read_text().splitlines() if label.is_file() else []:
            kind, x, y, w, h = (float(v) for v in line.split())
            if kind == 0:
                people.append([(x - w / 2) * columns, (y - h / 2) * rows, (x + w / 2) * columns, (y + h / 2) * rows])
        yield *fitted(picture, people, []), "all"


def simulated(folder, a_clip=2):
    """Rendered scenes of testdata/scenes: a few frames of each; tags are the scene's conditions."""
    newest = {}  # of clips of one scene, made at different times
    for truth in sorted(folder.glob("*/*.truth.jsonl"), key=lambda path: path.stat().st_mtime):
        if not truth.parent.name.startswith("."):  # what a stopped render left
            newest[truth.name] = truth
    for _, truth in sorted(newest.items()):
        rows = [json.loads(line) for line in truth.open()]
        tag, rows = " ".join(rows[0]["conditions"]) or "day", [row for row in rows if row["type"] == "frame"]
        video = cv2.VideoCapture(str(truth.with_name(truth.name.replace(".truth.jsonl", ".mp4"))))
        for n in np.linspace(0.3, 0.75, a_clip) * len(rows):
            row = rows[int(n)]
            video.set(cv2.CAP_PROP_POS_FRAMES, int(n))
            ok, picture = video.read()
            if not ok or row["picture"] != "live":
                continue
            people, ignore = [], []
            for person in row["people"]:
                if box := person["visible_box"]:
                    x, y, w, h = box
                    seen = person["visible_share"] >= 0.3 and max(w, h) * 416 / picture.shape[1] >= 8
                    (people if seen else ignore).append([x, y, x + w, y + h])
            yield *fitted(picture, people, ignore), tag


def empty(path, every):
    for _, picture in frames(path, every):
        yield *fitted(picture, [], []), "all"


def empty_room(data, every=4):
    """Frames of one-by-one-person in which nobody is: those that look like the clip's twelfth, which is empty."""
    pictures = [picture for _, picture in frames(data / "footage/intel/one-by-one-person-detection.mp4", every)]
    small = [cv2.resize(picture, (192, 108), interpolation=cv2.INTER_AREA).astype(np.int16) for picture in pictures]
    for picture, one in zip(pictures, small):
        if (np.abs(one - small[12 // every]).max(-1) > 30).mean() < 0.001:
            yield *fitted(picture, [], []), "all"


# Where the person lies in the last frame of each fall clip (colour half, 320 x 240), marked by hand.
LYING = {
    "01": [115, 188, 202, 238], "03": [59, 162, 219, 238], "05": [90, 180, 219, 238], "07": [107, 160, 237, 238],
    "09": [35, 184, 188, 238], "11": [88, 167, 287, 236], "13": [92, 192, 184, 238], "15": [81, 182, 176, 238],
    "17": [119, 186, 192, 238], "19": [111, 191, 172, 238], "21": [118, 194, 189, 238], "23": [108, 164, 188, 238],
    "25": [116, 190, 200, 238], "27": [94, 192, 190, 238], "29": [91, 190, 197, 238],
}


def lying(data, last=1):
    """The last frames of the fall clips' colour half."""
    for number, box in LYING.items():
        pictures = [picture for _, picture in frames(data / f"footage/falls/fall-{number}-cam0.mp4")]
        for picture in pictures[-last:]:
            yield *fitted(np.ascontiguousarray(picture[:, 320:]), [box], []), number
