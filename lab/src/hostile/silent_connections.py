"""Opens many TCP connections to the gateway and says nothing on them.

    silent_connections.py GATEWAY COUNT SECONDS SOURCE...

Prints how many were opened, waits, and prints how many the gateway has closed by then.
"""
import resource
import select
import socket
import sys
import time


def main():
    gateway, count, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sources = sys.argv[4:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    refused = 0
    for index in range(count):
        one = socket.socket()
        one.settimeout(1)
        try:
            one.bind((sources[index % len(sources)], 0))
            one.connect((gateway, 443))
            held.append(one)
        except OSError:
            refused += 1
            one.close()
            if refused > 200:
                break
    print(f"opened {len(held)} refused {refused}", flush=True)
    time.sleep(seconds)
    poll = select.poll()
    for one in held:
        poll.register(one, select.POLLIN | select.POLLHUP)
    print(f"closed {len(poll.poll(0))}", flush=True)


main()
