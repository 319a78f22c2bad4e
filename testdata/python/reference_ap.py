"""Average precision of made-up boxes by COCO's own evaluation, for the tests of benches/lab/src/eval/score.rs.

    python3 -m pip install pycocotools && python3 testdata/python/reference_ap.py > benches/lab/src/eval/score/coco.json
"""

import contextlib
import io
import json
import random

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIDE = 200


def picture(rng):
    people, found = [], []
    for _ in range(rng.randint(0, 6)):
        width, height = rng.randint(10, 40), rng.randint(20, 80)
        box = [rng.randint(0, SIDE - width), rng.randint(0, SIDE - height), width, height]
        people.append(box)
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            near = [round(side * rng.uniform(0.75, 1.3), 1) for side in box[2:]]
            at = [round(corner + rng.uniform(-4, 4), 1) for corner in box[:2]]
            found.append([round(rng.random(), 4), at + near])
    for _ in range(rng.randint(0, 3)):
        box = [float(rng.randint(0, 150)), float(rng.randint(0, 150)), 20.0, 40.0]
        found.append([round(rng.random(), 4), box])
    return {"people": people, "found": found}


def by_coco(pictures):
    images = [{"id": n + 1, "width": SIDE, "height": SIDE} for n in range(len(pictures))]
    truth, results = [], []
    for n, one in enumerate(pictures):
        for box in one["people"]:
            truth.append({"id": len(truth) + 1, "image_id": n + 1, "category_id": 1, "bbox": box,
                          "area": box[2] * box[3], "iscrowd": 0})
        for score, box in one["found"]:
            results.append({"image_id": n + 1, "category_id": 1, "bbox": box, "score": score})
    coco = COCO()
    coco.dataset = {"info": {}, "images": images, "annotations": truth,
                    "categories": [{"id": 1, "name": "person"}]}
    coco.createIndex()
    judge = COCOeval(coco, coco.loadRes(results), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return judge.stats[1], judge.stats[0]


def main():
    cases = []
    for seed in range(6):
        rng = random.Random(seed)
        pictures = [picture(rng) for _ in range(8)]
        with contextlib.redirect_stdout(io.StringIO()):
            ap50, ap50_95 = by_coco(pictures)
        cases.append({"pictures": pictures, "ap50": ap50, "ap50_95": ap50_95})
    print(json.dumps(cases))


main()
