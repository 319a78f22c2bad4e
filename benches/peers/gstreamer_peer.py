"""A GStreamer pipeline with an appsink in Python, ONNX Runtime, supervision's ByteTrack and zones."""
import cv2
import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402

from common import Detector, Ledger, Rate, Rules, arguments  # noqa: E402

args = arguments(__doc__)
Gst.init(None)
detector = Detector(args.model, args.weights)
planes = np.empty((args.height * 3 // 2, args.width), np.uint8)


def bgr(buffer):
    """The planes without their gaps, then converted by OpenCV, which is faster than videoconvert."""
    meta = GstVideo.buffer_get_video_meta(buffer)
    ok, mapped = buffer.map(Gst.MapFlags.READ)
    assert ok, "a picture cannot be read"
    data, at = np.frombuffer(mapped.data, np.uint8), 0
    for plane in range(3):
        wide, high = (args.width, args.height) if plane == 0 else (args.width // 2, args.height // 2)
        stride = meta.stride[plane] if meta else wide
        offset = meta.offset[plane] if meta else at
        rows = np.lib.stride_tricks.as_strided(data[offset:], (high, wide), (stride, 1))
        planes.reshape(-1)[at : at + wide * high].reshape(high, wide)[:] = rows
        at += wide * high
    buffer.unmap(mapped)
    return cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)


def play(path, ledger):
    rules, rate = Rules(args, args.rate or args.fps), Rate(args.rate)
    pipeline = Gst.parse_launch(
        "filesrc name=file ! parsebin ! avdec_h264 max-threads=1 ! video/x-raw,format=I420 ! "
        "appsink name=sink sync=false max-buffers=2"
    )
    pipeline.get_by_name("file").set_property("location", path)
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    while (sample := sink.emit("pull-sample")) is not None:
        number = ledger.decoded
        ledger.decoded += 1
        # Only what is looked at is converted.
        if not rate.wants(number / args.fps):
            continue
        found = detector.look(bgr(sample.get_buffer()))
        rules.update(found)
        ledger.write(number, found)
    error = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    assert error is None, error.parse_error() if error else ""
    pipeline.set_state(Gst.State.NULL)


play(args.warm, Ledger.dry(args))
ledger = Ledger(args)
ledger.start()
play(args.clip, ledger)
ledger.close()
