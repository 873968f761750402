"""interrupt.py RUN STEPS COMMAND...: runs a command, sends SIGINT when RUN/metrics.jsonl has that many steps, exits with its status.

A shell's background processes ignore SIGINT, hence this.
"""
import signal
import subprocess
import sys
import time


def steps_of(run):
    try:
        with open(f"{run}/metrics.jsonl") as file:
            return sum('"loss"' in line for line in file)
    except FileNotFoundError:
        return 0


signal.signal(signal.SIGINT, signal.SIG_DFL)
process = subprocess.Popen(sys.argv[3:])
while process.poll() is None and steps_of(sys.argv[1]) < int(sys.argv[2]):
    time.sleep(0.005)
process.send_signal(signal.SIGINT)
sys.exit(process.wait())
