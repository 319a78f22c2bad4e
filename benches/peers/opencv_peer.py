"""The usual Python way: OpenCV's capture, ONNX Runtime, supervision's ByteTrack and zones."""
import cv2

from common import Detector, Ledger, Rate, Rules, arguments

args = arguments(__doc__)
detector = Detector(args.model, args.weights)


def play(path, ledger):
    rules, rate = Rules(args, args.rate or args.fps), Rate(args.rate)
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    assert capture.isOpened(), f"{path} cannot be opened"
    while capture.grab():
        number = ledger.decoded
        ledger.decoded += 1
        # What is not looked at is decoded but neither converted nor copied.
        if not rate.wants(number / args.fps):
            continue
        _, picture = capture.retrieve()
        found = detector.look(picture)
        rules.update(found)
        ledger.write(number, found)


play(args.warm, Ledger.dry(args))
ledger = Ledger(args)
ledger.start()
play(args.clip, ledger)
ledger.close()
