"""A stretch of a session as a session of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import EgoposeError
from engine.session.reader import Session
from engine.session.writer import Pictures, SessionWriter


def cut(session: Session, out: Path, where: range, tell: Callable[[float], None] = lambda share: None) -> int:
    """Write the frames `where` with their truth, poses and events; how many frames could be read.

    JPEGs are kept byte for byte, H.264 is encoded anew. The file is there whole or not at all. `tell` is told how
    much is done; what it raises ends the work. Raises EgoposeError where nothing can be read or written.
    """
    if out.suffix.lower() != ".mcap":
        raise EgoposeError(f"{out} is no name for a session: give one that ends in .mcap")
    if out.resolve() == session.path.resolve():
        raise EgoposeError(f"{out} is the very session that is cut; choose another name")
    part = out.with_name(f"{out.stem}.cut.part.mcap")
    pictures = Pictures.H264 if session.pictures == "h264" else Pictures.JPEG
    first_ns, last_ns = session.stamps[where[0]].capture_ns, session.stamps[where[-1]].capture_ns
    try:
        with SessionWriter(
            part, session.calibration, metadata=session.metadata, pictures=pictures, overwrite=True
        ) as writer:
            for done, index in enumerate(where):
                tell(done / len(where))
                try:
                    frame = session.frame(index)
                except EgoposeError:
                    continue  # as in the session itself, its number stays unused
                writer.add(frame)
                pose = session.pose(index)
                if pose is not None:
                    writer.add_pose(pose)
            for event in session.events:
                if first_ns <= event.capture_ns <= last_ns:
                    writer.add_event(event)
            frames = writer.frames
        if not frames:
            raise EgoposeError(f"no frame of {session.path.name} can be read there; choose another range")
        part.replace(out)
    except OSError as error:
        raise EgoposeError(f"{out} cannot be written ({error.strerror}); free some space or choose another") from error
    finally:
        part.unlink(missing_ok=True)
    tell(1.0)
    return frames
