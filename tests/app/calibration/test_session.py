"""The mode's state with its threads: taking by itself, solving, keeping, losing the camera, going on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from app.calibration import session as session_module
from app.calibration.look import Look
from app.calibration.session import ENOUGH_TO_SOLVE, Session
from app.calibration.solver import Job, Solver
from app.calibration.store import Origin, Store, read_store, stores_path, unfinished
from app.calibration.views import Taken
from app.settings import Settings
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.formats import load_camera
from calib.targets.board import parse_board
from calib.targets.detect import Detection
from engine.cameras import camera_file, index_path, remember_camera, remembered_camera
from engine.capture.source import SourceInfo
from engine.errors import EgoposeError
from engine.session.writer import SessionWriter
from engine.types import Frame
from tests.app.calibration.boards import BOARD, SIZE, HeldBoard, folder, pictures

QUICK = ("kannala_brandt",)


def until(session: Session, condition: Callable[[Look], object], seconds: float = 30.0) -> Look:
    deadline = time.monotonic() + seconds
    while not condition(look := session.look()):
        assert time.monotonic() < deadline, look.say
        threading.Event().wait(0.005)
    return look


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Session]]:
    """Makes sessions on a camera before which the board is held; they are closed at the end."""
    made: list[Session] = []

    def make(make_session: Callable[[], Session] | None = None, **settings: object) -> Session:
        monkeypatch.setattr("app.calibration.feed.open_source", lambda _: HeldBoard(**settings))  # type: ignore[arg-type]
        pictures()  # rendered once, before the clock of a test runs
        made.append(make_session() if make_session is not None else Session("camera:held", BOARD))
        return made[-1]

    yield make
    for session in made:
        session.close()


def test_views_are_taken_by_themselves_solved_and_kept(held: Callable[..., Session]) -> None:
    session = held(places=7)
    look = until(session, lambda look: look.result is not None and len(look.taken) >= 6)
    assert look.result is not None
    assert look.result.rms < 0.2
    assert look.suggestion is not None
    assert look.coverage is not None
    assert look.coverage.counts.sum() > 0
    session.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("calibration")]
    (kept,) = unfinished()
    assert kept.origin == Origin("camera:held", "camera:held", "Held board", BOARD, SIZE)
    assert [one.name for one in kept.taken] == [one.name for one in look.taken]
    picture = cv2.imread(str(kept.folder / f"{kept.taken[0].name}.png"))
    np.testing.assert_array_equal(picture, pictures()[0])


def test_a_moving_board_is_not_taken(held: Callable[..., Session]) -> None:
    session = held(held=1, places=10, unplugged=True)
    look = until(session, lambda look: look.notice is not None)
    assert look.taken == ()


def test_an_unplugged_camera_loses_nothing(held: Callable[..., Session]) -> None:
    session = held(places=3, unplugged=True)
    look = until(session, lambda look: look.notice is not None)
    assert look.notice is not None
    assert "plug it in again" in look.notice.text
    assert look.notice.retry
    count = len(look.taken)
    assert count >= 2
    # On the disk already, were the program to end now.
    until(session, lambda _: unfinished() and len(unfinished()[0].taken) == count)
    session.reconnect()
    look = until(session, lambda look: look.notice is None and look.sighting is not None)
    assert len(look.taken) >= count
    session.close()
    resumed = held(lambda: Session.resumed(unfinished()[0]), places=6)
    look = until(resumed, lambda look: len(look.taken) > count)
    assert look.taken[0].name == "view-000"
    assert len({one.name for one in look.taken}) == len(look.taken)


def test_taking_by_hand_and_another_place(held: Callable[..., Session]) -> None:
    session = held(places=1)
    session.automatic = False
    session.take()
    assert session.look().notice is not None
    session.dismiss()
    look = until(session, lambda look: look.sighting is not None)
    assert look.taken == ()
    session.take()
    look = session.look()
    assert [one.name for one in look.taken] == ["view-000"]
    first = look.suggestion
    session.skip()
    second = session.look().suggestion
    assert first is not None
    assert second is not None
    assert first.cell != second.cell


def test_from_a_folder_to_a_file_that_is_found_by_its_id(tmp_path: Path) -> None:
    images = folder(tmp_path / "images")
    (images / "99.png").write_bytes(b"none")
    session = Session(str(images), BOARD)
    try:
        look = until(session, lambda look: look.result is not None)
        assert [one.name for one in look.taken] == [f"{i:02d}.png" for i in range(10)]
        assert "1 that cannot be read" in look.say
        before = look.result
        session.set_used("03.png", False)
        look = until(session, lambda look: look.result is not before)
        assert look.result is not None
        assert "03.png" not in [view.name for view in look.result.views]
        session.save(tmp_path / "new" / "camera.json", QUICK, [session.source_id, "camera:usb-1"])
        look = until(session, lambda look: look.saved is not None)
        assert look.saved == tmp_path / "new" / "camera.json"
        assert camera_file("camera:usb-1") == look.saved
        found = remembered_camera(session.source_id)
        assert found is not None
        assert found.size == SIZE
        assert not unfinished()
    finally:
        session.close()


def test_from_a_session_to_the_camera_that_recorded_it(tmp_path: Path) -> None:
    info = SourceInfo("Held board", "camera:recorded", SIZE, 10.0, "", live=True, seekable=False)
    with SessionWriter(recorded := tmp_path / "session.mcap", info=info, quality=95) as writer:
        for seq in range(6 * 6):
            writer.add(Frame(pictures()[seq // 6], seq, 100_000_000 * (seq + 1), "camera:recorded"))
    session = Session(str(recorded), BOARD)
    try:
        look = until(session, lambda look: look.result is not None)
        assert len(look.taken) == 6
        assert session.source_id == "camera:recorded"
        session.save(tmp_path / "camera.json", QUICK, [session.source_id])
        until(session, lambda look: look.saved is not None)
        assert camera_file("camera:recorded") == tmp_path / "camera.json"
    finally:
        session.close()


def test_a_picture_of_another_size_is_left_out_and_told(tmp_path: Path) -> None:
    images = folder(tmp_path / "images", ENOUGH_TO_SOLVE)
    cv2.imwrite(str(images / "50.png"), np.full((100, 120, 3), 90, np.uint8))
    session = Session(str(images), BOARD)
    try:
        look = until(session, lambda look: look.result is not None and look.notice is not None)
        assert look.notice is not None
        assert "120x100" in look.notice.text
        assert len(look.taken) == ENOUGH_TO_SOLVE
    finally:
        session.close()


def test_views_that_do_not_tell_the_lens_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsure(_result: object, _where: str) -> None:
        raise EgoposeError("the views are too alike")

    monkeypatch.setattr(session_module, "check_sure", unsure)
    session = Session(str(folder(tmp_path / "images", ENOUGH_TO_SOLVE)), BOARD)
    try:
        until(session, lambda look: look.result is not None)
        session.save(tmp_path / "camera.json", QUICK, [])
        look = until(session, lambda look: look.notice is not None)
        assert look.notice is not None
        assert "too alike" in look.notice.text
        assert not (tmp_path / "camera.json").exists()
    finally:
        session.close()


def test_what_cannot_be_saved_is_told(tmp_path: Path) -> None:
    session = Session(str(folder(tmp_path / "images", 6)), BOARD)
    try:
        until(session, lambda look: look.result is not None)
        (tmp_path / "file").write_text("in the way")
        session.save(tmp_path / "file" / "camera.json", QUICK, [])
        look = until(session, lambda look: look.notice is not None)
        assert look.saved is None
        assert session.can_save
        session.dismiss()
        session.save(tmp_path / "camera.json", ("mei", "scaramuzza6", "double_sphere"), [])
        session.cancel()
        until(session, lambda look: not look.doing.what)
        assert session.can_save
        assert not (tmp_path / "camera.json").exists()
    finally:
        session.close()


def test_too_few_views_are_not_solved(tmp_path: Path) -> None:
    session = Session(str(folder(tmp_path / "images", ENOUGH_TO_SOLVE)), BOARD)
    try:
        until(session, lambda look: look.result is not None)
        session.set_used("00.png", False)
        look = session.look()
        assert look.result is None
        assert "are needed" in look.say
        session.set_used("00.png", True)
        until(session, lambda look: look.result is not None)
    finally:
        session.close()


def test_closing_in_the_middle_of_a_solve_is_quick(tmp_path: Path) -> None:
    session = Session(str(folder(tmp_path / "images")), BOARD)
    until(session, lambda look: look.result is not None)
    session.save(tmp_path / "camera.json", ("scaramuzza6", "mei"), [])
    until(session, lambda look: look.doing.final)
    session.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("calibration")]
    assert not (tmp_path / "camera.json").exists()


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="no file or folder"):
        Session(str(tmp_path / "gone"), BOARD)
    assert not [t for t in threading.enumerate() if t.name.startswith("calibration")]


def test_solver_tells_what_is_wrong_and_goes_on() -> None:
    solver = Solver()
    try:
        solver.request(Job(1, [], SIZE, QUICK, False, "none"))
        deadline = time.monotonic() + 30
        while (solved := solver.poll()) is None:
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)
        assert solved.result is None
        assert isinstance(solved.error, CalibrationError)
    finally:
        solver.close()


def test_a_job_that_waits_can_be_cancelled() -> None:
    solver = Solver()
    try:
        solver.request(Job(1, [], SIZE, QUICK, False, "runs"))
        deadline = time.monotonic() + 30
        while solver.running is None:
            assert time.monotonic() < deadline
            threading.Event().wait(0.001)
        solver.request(Job(2, [], SIZE, QUICK, False, "waits"))
        solver.cancel()
        solver.request(Job(3, [], SIZE, QUICK, False, "wanted"))
        while (solved := solver.poll()) is None:
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)
        assert solved.job.revision == 3
        assert isinstance(solved.error, CalibrationError)
    finally:
        solver.close()


def test_full_disk_is_told_and_the_view_stays(held: Callable[..., Session], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> None:
        raise EgoposeError("cannot write (No space left on device)")

    monkeypatch.setattr("app.calibration.store.write_atomically", full)
    session = held(places=1)
    look = until(session, lambda look: look.notice is not None)
    assert look.notice is not None
    assert "No space left" in look.notice.text
    assert len(look.taken) == 1


def test_the_index_is_written_whole_and_read_with_care(tmp_path: Path) -> None:
    assert remembered_camera("camera:a") is None
    remember_camera("camera:a", tmp_path / "a.json")
    remember_camera("camera:b", tmp_path / "b.json")
    assert camera_file("camera:a") == tmp_path / "a.json"
    assert [path.name for path in index_path().parent.iterdir()] == ["cameras.json"]
    with pytest.raises(EgoposeError, match="calibrate again"):
        remembered_camera("camera:a")
    (tmp_path / "a.json").write_text("{ corrupt")
    with pytest.raises(EgoposeError, match=r"a\.json"):
        remembered_camera("camera:a")
    for damaged in ("{", "[]", '{"version": 2, "cameras": {}}', '{"version": 1, "cameras": {"a": 1}}'):
        index_path().write_text(damaged)
        with pytest.raises(EgoposeError, match=r"cameras\.json"):
            camera_file("camera:a")


def test_settings_use_what_is_remembered(tmp_path: Path) -> None:
    source = HeldBoard()
    assert Settings().camera_of(source).assumed
    file = Path(session_module.__file__).parents[2] / "assets" / "cameras" / "egopw.json"
    remember_camera("camera:held", file)
    assert Settings().camera_of(source).model.params.tolist() == load_camera(file).model.params.tolist()
    given = load_camera("sceneego")
    assert Settings(camera=given).camera_of(source) is given


def test_a_damaged_store_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    origin = Origin("camera:0", "camera:0", "Camera", parse_board("9x6:25mm"), SIZE)
    store = Store.new(origin)
    store.keep(Taken("view-000", Detection(np.arange(54), np.zeros((54, 2)))), None)
    store.close()
    assert len(read_store(store.folder).taken) == 1
    for damaged in (
        '{"ids": [99], "pixels": [[0, 0]]}',
        '{"ids": [0]}',
        "[",
        '{"ids": [0, 0], "pixels": [[0, 0], [1, 1]]}',
    ):
        (store.folder / "view-000.json").write_text(damaged)
        with pytest.raises(EgoposeError, match="remove"):
            read_store(store.folder)
    assert unfinished() == []
    assert "damaged" in caplog.text
    assert stores_path().is_dir()
