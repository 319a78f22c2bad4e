"""The floor: decoding all pictures with avdec_h264 on one thread, and ONNX Runtime on as many as are analysed.

Nothing else: no conversion, no boxes, nobody is followed. The tensors are the clip's own pictures.
"""
import cv2
import gi
import numpy as np

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

from common import Detector, Ledger, Rate, arguments, cpu  # noqa: E402

KEPT = 16

args = arguments(__doc__)
Gst.init(None)
detector, rate = Detector(args.model, args.weights), Rate(args.rate)
capture = cv2.VideoCapture(args.clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
tensors, pictures = [], 0
while capture.grab():
    if pictures % 16 == 0 and len(tensors) < KEPT:
        tensors.append(detector.tensor(capture.retrieve()[1])[0].copy())
    pictures += 1
capture.release()
output = detector.session.get_outputs()[0]
bound = []
for tensor in tensors:
    binding = detector.session.io_binding()
    binding.bind_cpu_input(detector.input, tensor)
    binding.bind_output(output.name)
    detector.session.run_with_iobinding(binding)
    bound.append(binding)



def decode(path):
    pipeline = Gst.parse_launch("filesrc name=file ! parsebin ! avdec_h264 max-threads=1 ! fakesink sync=false")
    pipeline.get_by_name("file").set_property("location", path)
    pipeline.set_state(Gst.State.PLAYING)
    kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, kinds)
    assert message.type == Gst.MessageType.EOS, message.parse_error()
    pipeline.set_state(Gst.State.NULL)


decode(args.warm)
ledger = Ledger(args)
ledger.start()
decode(args.clip)
ledger.decoded = pictures
decoded = cpu() - ledger.begun
for number in range(pictures):
    if rate.wants(number / args.fps):
        detector.session.run_with_iobinding(bound[ledger.analysed % len(bound)])
        ledger.analysed += 1
ledger.extra = {"decode_seconds": decoded}
ledger.close()
