"""A RealSense T265's left fisheye as Motion JPEG on loopback, for egopose in another process to open.

The last library that knows the T265 is pyrealsense2 2.53.1, which needs Python 3.10 or older, so
this file stands alone: it runs under that Python with pyrealsense2, numpy and opencv-python.

    python3.10 t265.py                                              # serves until Ctrl+C
    curl -s http://127.0.0.1:8765/camera.json > t265.json           # the device's own intrinsics
    egopose live http://127.0.0.1:8765/ --camera t265.json

Each picture carries the device's time in `X-Timestamp`, in seconds.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8765
QUALITY = 90


class Slot:
    """The newest picture, and a wait for the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number, self._data, self._seconds = 0, b"", 0.0

    def put(self, data: bytes, seconds: float) -> None:
        """Replace it by a JPEG taken at this time of the device."""
        with self._changed:
            self._number, self._data, self._seconds = self._number + 1, data, seconds
            self._changed.notify_all()

    def after(self, number: int) -> tuple[int, bytes, float]:
        """(number, JPEG, device seconds) of the first picture after that number; number itself where none comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > number, timeout=1.0)
            return self._number, self._data, self._seconds


def make_server(slot: Slot, camera: dict[str, Any], port: int = PORT) -> ThreadingHTTPServer:
    """Serves `/camera.json`, and pictures everywhere else. Raises OSError where the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/camera.json":
                body = json.dumps(camera, indent=2).encode()
                self._head("application/json", len(body))
                self.wfile.write(body)
                return
            self._head("multipart/x-mixed-replace; boundary=frame", None)
            number = 0
            while True:
                found, data, seconds = slot.after(number)
                if found == number:
                    return  # the camera is silent: an ended stream says so, an open one does not
                number = found
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n"
                try:
                    self.wfile.write(f"{head}X-Timestamp: {seconds:.6f}\r\n\r\n".encode() + data + b"\r\n")
                except OSError:
                    return  # whoever looked has left

        def _head(self, kind: str, length: int | None) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not for every picture."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


def intrinsics(profile: Any) -> dict[str, Any]:
    """As egopose reads a RealSense camera file."""
    found = profile.get_intrinsics()
    fields = {key: getattr(found, key) for key in ("width", "height", "fx", "fy", "ppx", "ppy")}
    return {"name": "T265 left", **fields, "model": found.model.name, "coeffs": list(found.coeffs)}


def run(rs: Any, encode: Callable[[Any], bytes], port: int) -> None:
    """Serve the left fisheye of the connected T265 until interrupted."""
    pipeline, config, slot = rs.pipeline(), rs.config(), Slot()
    # The T265 gives both eyes or none.
    config.enable_stream(rs.stream.fisheye, 1)
    config.enable_stream(rs.stream.fisheye, 2)
    profile = pipeline.start(config).get_stream(rs.stream.fisheye, 1).as_video_stream_profile()
    server = make_server(slot, intrinsics(profile), port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"egopose live http://127.0.0.1:{server.server_port}/", flush=True)
    try:
        while True:
            frame = pipeline.wait_for_frames().get_fisheye_frame(1)
            slot.put(encode(frame.get_data()), frame.get_timestamp() / 1000)
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown()
        server.server_close()
        pipeline.stop()


def main() -> None:
    """The program."""
    import cv2  # noqa: PLC0415  not through calib: that Python has no egopose
    import numpy as np  # noqa: PLC0415
    import pyrealsense2 as rs  # noqa: PLC0415

    parser = argparse.ArgumentParser(description="A T265's left fisheye as Motion JPEG on loopback.")
    parser.add_argument("--port", type=int, default=PORT)

    def encode(pixels: Any) -> bytes:
        return bytes(cv2.imencode(".jpg", np.asanyarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])

    run(rs, encode, parser.parse_args().port)


if __name__ == "__main__":
    main()
