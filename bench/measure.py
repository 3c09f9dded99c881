"""Runs a command; prints what it printed, its wall time in ms and its peak memory in MB."""
import os
import subprocess
import sys
import time

began = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
output = child.stdout.read().strip()
_, status, usage = os.wait4(child.pid, 0)
elapsed = (time.perf_counter() - began) * 1e3
print(output.splitlines()[-1] if output else "-", f"{elapsed:.3f}", f"{usage.ru_maxrss / 1024:.1f}")
sys.exit(os.waitstatus_to_exitcode(status) != 0)
