"""Jobs of two ranks without torch: a socket between them stands for a collective."""

JOB = """
import os, signal, socket, sys, time
from harness_recorder import Recorder

rank, port = int(os.environ["RANK"]), int(os.environ["MASTER_PORT"])


def meet():
    if rank == 0:
        return socket.create_server((os.environ["MASTER_ADDR"], port)).accept()[0]
    while True:
        try:
            return socket.create_connection((os.environ["MASTER_ADDR"], port))
        except ConnectionRefusedError:
            time.sleep(0.02)


def all_reduce(value):
    other.sendall(b"%20.10f" % value)
    got = b""
    while len(got) < 20:
        chunk = other.recv(20 - len(got))
        if not chunk:
            raise RuntimeError("Connection closed by peer")
        got += chunk
    return (value + float(got)) / 2


with Recorder() as recorder:
    other = meet()
    recorder.begin()
    for step in range(1, 6):
        BODY
        recorder.step(loss=all_reduce(1 / step))
print("loss=0.25" if rank else "loss=0.5")
"""


def job(body="pass"):
    """Return a job that does something at the start of each step."""
    return JOB.replace("BODY", body)
