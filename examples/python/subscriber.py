"""A durable subscriber: resumes where it was, prints each event, acknowledges what is printed.

    examples/python/setup.sh /tmp/parapet-python
    PYTHONPATH=/tmp/parapet-python/generated /tmp/parapet-python/bin/python \
        examples/python/subscriber.py 127.0.0.1:7447 my-platform
"""

import argparse
import sys
import time

import grpc

from parapet.v1 import event_pb2, events_pb2, events_pb2_grpc

# A dead link is noticed within 30 s although nothing is sent.
KEEPALIVE = [("grpc.keepalive_time_ms", 20_000), ("grpc.keepalive_timeout_ms", 10_000)]


def name_of(enum, number):
    """The enum's name for a number; the number itself where the server is newer than this client."""
    known = enum.DESCRIPTOR.values_by_number.get(number)
    return known.name if known else str(number)


def follow(server, consumer, limit):
    """Prints events until the limit; raises grpc.RpcError when the connection breaks."""
    with grpc.insecure_channel(server, options=KEEPALIVE) as channel:
        events = events_pb2_grpc.EventsStub(channel)
        printed, acknowledged_at = 0, time.monotonic()
        for answer in events.Subscribe(events_pb2.SubscribeRequest(consumer=consumer)):
            what = answer.WhichOneof("message")
            if what == "event":
                event = answer.event
                kind = name_of(event_pb2.EventKind, event.kind)
                print(event.sequence, kind, event.camera, event.id, flush=True)
                printed += 1
                safe = event.sequence
            elif what == "gap":
                gap = answer.gap
                reason = name_of(events_pb2.GapReason, gap.reason)
                print("gap", gap.first_sequence, gap.last_sequence, reason, flush=True)
                safe = gap.last_sequence
            elif what == "position":
                safe = answer.position.sequence
            else:  # provisional: good for a screen, but it comes again as an event
                continue
            # Only what is safe here may be acknowledged. Ten times a second will do: the daemon
            # counts requests, and what is not acknowledged yet comes again; the id tells it.
            done = bool(limit) and printed >= limit
            if done or time.monotonic() - acknowledged_at > 0.1:
                events.Acknowledge(events_pb2.AcknowledgeRequest(consumer=consumer, sequence=safe))
                acknowledged_at = time.monotonic()
            if done:
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", nargs="?", default="127.0.0.1:7447")
    parser.add_argument("consumer", nargs="?", default="example-python")
    parser.add_argument("--limit", type=int, default=0, help="end after this many events")
    arguments = parser.parse_args()
    while True:
        try:
            follow(arguments.server, arguments.consumer, arguments.limit)
            return
        except grpc.RpcError as error:
            print(f"# {error.code().name}: {error.details()}; trying again", file=sys.stderr)
            time.sleep(2)


if __name__ == "__main__":
    main()
