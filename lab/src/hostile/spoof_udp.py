"""Sends UDP datagrams to the gateway's port under the address and port of another device.

    spoof_udp.py GATEWAY SOURCE PORT < HEX

Each line of standard input is a datagram in hexadecimal digits.
"""
import socket
import struct
import sys
import time

gateway, source, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
    count = 0
    for payload in (bytes.fromhex(line) for line in sys.stdin.read().split()):
        udp = struct.pack("!HHHH", port, 443, 8 + len(payload), 0) + payload
        # The kernel fills in the checksum of the header, the identification and the length.
        addresses = socket.inet_aton(source) + socket.inet_aton(gateway)
        raw.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, 17, 0) + addresses + udp, (gateway, 0))
        count += 1
        if count % 50 == 0:
            time.sleep(0.01)
print(count)
