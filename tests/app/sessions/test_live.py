"""Recording a camera that is lost on the way: nothing from before is lost, and the gap is in the file."""

from __future__ import annotations

import threading
from pathlib import Path

from app.sessions.record import record_headless
from engine.session.reader import Session
from engine.types import EventKind
from tests.engine.capture.mjpeg_server import MjpegServer, jpeg


def test_a_network_camera_that_dies_and_comes_back_is_one_session(tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    with MjpegServer(fps=30) as server:

        def restart() -> None:
            server.stop()
            server.start()

        blink = threading.Timer(1.0, restart)
        blink.start()
        record_headless(server.address, path, 3.0)
        blink.join()
    with Session(path) as session:
        gaps = [event for event in session.events if event.kind is EventKind.GAP]
        assert len(gaps) == 1
        stamps = [stamp.capture_ns for stamp in session.stamps]
        after = stamps.index(gaps[0].capture_ns)
        assert after > 0
        assert gaps[0].duration_ns == stamps[after] - stamps[after - 1]
        assert stamps == sorted(stamps)
        assert "waiting to retry" in " ".join(event.text for event in session.events)
        # The camera's own bytes; its numbers begin anew when it does.
        made = {jpeg(number) for number in range(120)}
        assert all(session.encoded(index) in made for index in range(len(session)))
