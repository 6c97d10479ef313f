#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""console.py SOCKET COMMAND...

Runs a runtime that is given `--console-socket SOCKET`, takes the terminal from it as an engine does, and writes what comes
out of the terminal until nobody has its other end any more. Status: the command's.
"""
import os
import socket
import subprocess
import sys

WAIT = 60  # seconds


def main():
    path, *command = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(WAIT)
        with subprocess.Popen(command, stdin=subprocess.PIPE) as runtime:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                runtime.kill()
                sys.exit(f"no terminal came within {WAIT} s")
            _, [master], _, _ = socket.recv_fds(connection, 4096, 1)
            try:
                while text := os.read(master, 4096):
                    os.write(1, text.replace(b"\r", b""))
            except OSError:
                pass  # EIO: the last one has closed it
            runtime.communicate()
            sys.exit(runtime.returncode)


main()
