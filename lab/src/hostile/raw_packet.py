"""Sends IP packets that no honest stack would make, through the tunnel interface of this device.

    raw_packet.py udp SOURCE DESTINATION       one well-formed UDP packet to port 7777 with this source
    raw_packet.py malformed SOURCE DESTINATION every kind of broken packet, for a device with this address
"""
import socket
import struct
import sys

TUNNEL = "tun0"


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, payload, protocol=17, length=None, first=0x45, fragment=0):
    length = 20 + len(payload) if length is None else length
    head = struct.pack(
        "!BBHHHBBH4s4s", first, 0, length, 1, fragment, 64, protocol, 0,
        socket.inet_aton(source), socket.inet_aton(destination),
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + payload


def udp(payload=b"culvert-lab", length=None):
    return struct.pack("!HHHH", 7777, 7777, 8 + len(payload) if length is None else length, 0) + payload


def ipv6(source, destination, payload, length=None, next_header=17):
    head = struct.pack("!IHBB", 0x60000000, len(payload) if length is None else length, next_header, 64)
    return head + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + payload


def malformed(source, destination):
    good = ipv4(source, destination, udp())
    yield from (good[:size] for size in (1, 4, 19, 20, 21, 27))
    yield ipv4(source, "224.0.0.251", udp())
    yield ipv4(source, "255.255.255.255", udp())
    yield ipv4(source, "127.0.0.1", udp())
    yield ipv4("192.0.2.9", destination, udp())
    yield ipv4("0.0.0.0", destination, udp())
    yield ipv4(source, destination, udp(), length=20)
    yield ipv4(source, destination, udp(), length=0)
    yield ipv4(source, destination, udp(), length=19)
    yield ipv4(source, destination, udp(), length=1500)
    yield ipv4(source, destination, udp(), length=65535)
    yield ipv4(source, destination, udp(), first=0x44)
    yield ipv4(source, destination, udp(), first=0x4F)
    yield ipv4(source, destination, udp(), first=0x40)
    yield ipv4(source, destination, udp(), first=0x55)
    yield ipv4(source, destination, udp(), first=0x05)
    yield ipv4(source, destination, udp(), fragment=0x2000)
    yield ipv4(source, destination, b"\xff" * 1300, fragment=0x1FFF)
    yield ipv4(source, destination, udp(length=65535))
    yield ipv4(source, destination, udp(length=0))
    yield ipv4(source, destination, b"", protocol=6)
    yield ipv4(source, destination, b"\0" * 12 + b"\xf0" + b"\xff" * 20, protocol=6)
    yield ipv4(source, destination, b"\0" * 12 + b"\x00" + b"\x02" + b"\0" * 6, protocol=6)
    # TCP SYN whose option says that it is longer than the header.
    yield ipv4(source, destination, b"\0" * 12 + b"\x60\x02" + b"\0" * 6 + b"\x02\xff\x05\xb4", protocol=6)
    yield ipv6("fd70::bad", "fd60::2", udp())
    yield ipv6("::", "ff02::1", udp())
    yield ipv6("fd70::bad", "fd60::2", udp(), length=65535)
    yield ipv6("fd70::bad", "fd60::2", b"\x11\xff" * 60, next_header=0)
    yield b"\x60" + b"\0" * 39
    yield b"\0" * 40
    yield b"\xff" * 1400


def main():
    kind, source, destination = sys.argv[1:4]
    packets = [ipv4(source, destination, udp())] if kind == "udp" else list(malformed(source, destination))
    # Behind AF_PACKET nothing looks at the bytes: they leave through the tunnel as they are.
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as raw:
        for packet in packets:
            protocol = 0x86DD if packet[:1] >= b"\x60" and packet[:1] < b"\x70" else 0x0800
            raw.sendto(packet, (TUNNEL, protocol))
    print(len(packets))


main()
