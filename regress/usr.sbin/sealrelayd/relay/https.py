"""A web server that has policies of MTA-STS, and lies when asked.

usage: https.py ADDRESS PORT CERT KEY DIRECTORY
The answer to a host is the file DIRECTORY/HOST, as it stands; without one the
connection is closed.  Each request is a line of DIRECTORY/requests.
"""
import os
import socket
import ssl
import sys
import threading

ADDRESS, PORT, CERT, KEY, DIR = sys.argv[1:]
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(CERT, KEY)


def serve(raw):
    try:
        sock = CONTEXT.wrap_socket(raw, server_side=True)
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(4096)
            if not more:
                return
            data += more
        lines = data.decode("latin-1").split("\r\n")
        host = [x.split(": ", 1)[1] for x in lines if x.startswith("Host: ")]
        with open(os.path.join(DIR, "requests"), "a") as f:
            f.write("%s %s\n" % (host[0], lines[0]))
        path = os.path.join(DIR, host[0])
        if os.path.exists(path):
            with open(path, "rb") as f:
                sock.sendall(f.read())
        sock.close()
    except (OSError, ssl.SSLError):
        pass
    finally:
        raw.close()


def main():
    server = socket.create_server((ADDRESS, int(PORT)), backlog=64)
    with open(os.path.join(DIR, "up"), "w") as f:
        f.write("up\n")
    while True:
        sock, _ = server.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


main()
