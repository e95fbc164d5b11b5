"""Stands between a client and a server, and keeps what each says to the other, byte by byte.

Usage: python tee.py PREFIX COMMAND ARGS…; writes PREFIX.in and PREFIX.out.
"""

import os
import subprocess
import sys
import threading

prefix, *command = sys.argv[1:]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def carry(source: int, target: int, file: str) -> None:
    with open(file, "wb", buffering=0) as kept:
        while chunk := os.read(source, 65536):
            kept.write(chunk)
            try:
                while chunk:
                    chunk = chunk[os.write(target, chunk) :]
            except BrokenPipeError:
                return
    os.close(target)


threading.Thread(target=carry, args=(0, server.stdin.fileno(), prefix + ".in"), daemon=True).start()
carry(server.stdout.fileno(), 1, prefix + ".out")
sys.exit(server.wait())
