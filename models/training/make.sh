#!/bin/sh
# Makes models/person again, from nothing: scenes, labels, training, export, evaluation.
#
#   models/training/make.sh [MINUTES]      how long to train (default 75); a GPU is used where there is one
#
# PARAPET_DATA   the data folder (default ../shared/data)
# WORK           where everything in between lies (default target/training); a run goes on where it stopped
# SCENES         how many scenes to render (default 1500)
# PARAPET        the program that has the tools (default: cargo run --release -p parapet-lab)
set -eu
cd "$(dirname "$0")/../.."
minutes=${1:-75}
data=${PARAPET_DATA:-../shared/data}
work=${WORK:-target/training}
parapet=${PARAPET:-cargo run --release --locked -p parapet-lab --}
mkdir -p "$work"

[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
python="$work/venv/bin/python"
"$python" -m pip install --quiet -r models/training/requirements.txt

if [ ! -d "$work/clips" ]; then
    "$python" models/training/scenes.py "$work/scenes" --count "${SCENES:-1500}"
    $parapet sim render "$work/scenes" --out "$work/clips.part"
    mv "$work/clips.part" "$work/clips"
fi
if [ ! -d "$work/footage" ]; then
    rm -rf "$work/footage.part"
    "$python" models/training/label.py --data "$data" --manifests testdata/manifests --out "$work/footage.part"
    mv "$work/footage.part" "$work/footage"
fi
[ -f "$work/packed/index.json" ] ||
    "$python" models/training/pack.py --scenes "$work/clips" --footage "$work/footage" --out "$work/packed"
# One thread: with two, each waits for the other at every layer as soon as the machine does anything else.
OMP_WAIT_POLICY=passive "$python" models/training/train.py --data "$work/packed" --out "$work/run" \
    --minutes "$minutes" --threads "${THREADS:-1}" --resume
"$python" models/training/export.py "$work/run/checkpoint.pt" models/person --validation "$work/packed"
"$python" models/training/quantise.py models/person --data "$work/packed"
$parapet model check models/person

held_out=${HELD_OUT:-$HOME/.cache/parapet/scenes} # where `parapet sim render testdata/scenes` leaves clips
$parapet sim render testdata/scenes >/dev/null
"$python" models/training/evaluate.py --data "$data" --validation "$work/packed" --scenes "$held_out" \
    --parapet "$parapet" --json "$work/table.json" --model models/person --model testdata/manifests/yolox_nano_416 \
    --model testdata/manifests/picodet_s_416_coco --model testdata/manifests/fastestdet_352
