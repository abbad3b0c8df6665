"""Boards as vector pages at true scale: SVG and PDF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib.models.base import Array
from calib.targets.board import TAG_BORDER, Board, BoardKind

_MARGIN_MM = 10.0
_CAPTION_MM = 3.0
_BORDER_BITS = {BoardKind.CHARUCO: 1, BoardKind.APRILGRID: TAG_BORDER}


@dataclass(frozen=True, slots=True)
class Page:
    """Black shapes on a white page; millimetres, x right, y down from the page's top left."""

    width: float
    height: float
    rectangles: Array
    """(R, 4) x, y, width, height."""
    circles: Array
    """(C, 3) x, y, radius."""
    origin: Array
    """(2,) where point 0 of the board is."""
    caption: str


def layout(board: Board) -> Page:
    """Where the black of a board goes."""
    pitch, second = 1e3 * board.pitch, 1e3 * board.second
    rectangles, circles, origin = np.empty((0, 4)), np.empty((0, 3)), np.array([pitch, pitch])
    match board.kind:
        case BoardKind.CHESSBOARD:
            rectangles = _squares(board.columns + 1, board.rows + 1, pitch)
        case BoardKind.CHARUCO:
            rectangles = _charuco(board, pitch, second)
        case BoardKind.APRILGRID:
            rectangles = _aprilgrid(board, pitch, second)
            origin = second + np.array([0.0, (board.rows - 1) * (pitch + second)])
        case BoardKind.CIRCLES:
            radius = 0.4 * pitch
            origin = np.array([radius, radius])
            centres = 1e3 * board.points[:, :2] + origin
            circles = np.concatenate([centres, np.full((len(centres), 1), radius)], -1)
    far = np.concatenate([rectangles[:, :2] + rectangles[:, 2:], circles[:, :2] + circles[:, 2:]]).max(0)
    if board.kind in (BoardKind.CHESSBOARD, BoardKind.CHARUCO):
        # A white square may be the farthest; points are the corners between squares.
        far = 1e3 * board.points[-1, :2] + 2.0 * pitch
    # A board needs a white rim as wide as what it is made of, for the detector to see it end.
    margin = max(_MARGIN_MM, pitch if board.kind is not BoardKind.APRILGRID else second)
    return Page(
        width=float(far[0]) + 2.0 * margin,
        height=float(far[1]) + 2.0 * margin,
        rectangles=rectangles + np.array([margin, margin, 0.0, 0.0]),
        circles=circles + np.array([margin, margin, 0.0]),
        origin=origin + margin,
        caption=f"{board}  print at 100 %, then measure",
    )


def _squares(columns: int, rows: int, pitch: float) -> Array:
    """The squares of a chessboard that has black at its top left."""
    y, x = np.mgrid[:rows, :columns].reshape(2, -1)
    black = (x + y) % 2 == 0
    return np.stack([x[black] * pitch, y[black] * pitch, *np.full((2, black.sum()), pitch)], -1)


def _charuco(board: Board, pitch: float, marker: float) -> Array:
    squares = _squares(board.columns, board.rows, pitch)
    y, x = np.mgrid[: board.rows, : board.columns].reshape(2, -1)
    white = (x + y) % 2 == 1
    corners = np.stack([x[white], y[white]], -1) * pitch + 0.5 * (pitch - marker)
    return np.concatenate([squares, *(_marker(board, i, at, marker) for i, at in enumerate(corners))])


def _aprilgrid(board: Board, tag: float, gap: float) -> Array:
    """Tags, and at every crossing of the gaps a square that makes the tags' corners into saddles."""
    step = tag + gap
    rows, columns = np.divmod(np.arange(board.marker_count), board.columns)
    corners = gap + step * np.stack([columns, board.rows - 1 - rows], -1)
    y, x = np.mgrid[: board.rows + 1, : board.columns + 1].reshape(2, -1) * step
    crossings = np.stack([x, y, *np.full((2, len(x)), gap)], -1)
    return np.concatenate([crossings, *(_marker(board, i, at, tag) for i, at in enumerate(corners))])


def _marker(board: Board, number: int, corner: Array, side: float) -> Array:
    """A marker's black cells, joined along its rows, as rectangles."""
    border = _BORDER_BITS[board.kind]
    cells = board.dictionary.markerSize + 2 * border
    bits = np.asarray(board.dictionary.generateImageMarker(number, cells, borderBits=border)) < 128
    cell = side / cells
    runs = []
    for y, row in enumerate(bits):
        edges = np.flatnonzero(np.diff(np.pad(row.astype(int), 1)))
        runs += [(start, y, end - start) for start, end in edges.reshape(-1, 2)]
    return np.array([[corner[0] + x * cell, corner[1] + y * cell, length * cell, cell] for x, y, length in runs])


def board_svg(board: Board) -> str:
    """The board as an SVG page at true scale."""
    page = layout(board)
    shapes = [f'<rect x="{x:.4f}" y="{y:.4f}" width="{w:.4f}" height="{h:.4f}"/>' for x, y, w, h in page.rectangles]
    shapes += [f'<circle cx="{x:.4f}" cy="{y:.4f}" r="{r:.4f}"/>' for x, y, r in page.circles]
    size = f'width="{page.width:.4f}mm" height="{page.height:.4f}mm" viewBox="0 0 {page.width:.4f} {page.height:.4f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            '<rect width="100%" height="100%" fill="white"/>',
            *shapes,
            f'<text x="5" y="{page.height - 3:.4f}" font-family="sans-serif" font-size="{_CAPTION_MM}">',
            f"{page.caption}</text>",
            "</svg>\n",
        ]
    )


def board_pdf(board: Board) -> bytes:
    """The board as a one-page PDF at true scale."""
    page = layout(board)
    # PDF counts in points of 1/72 inch from the bottom left.
    drawing = [f"{72.0 / 25.4:.8f} 0 0 {72.0 / 25.4:.8f} 0 0 cm"]
    drawing += [f"{x:.4f} {page.height - y - h:.4f} {w:.4f} {h:.4f} re" for x, y, w, h in page.rectangles]
    drawing += [_pdf_circle(x, page.height - y, r) for x, y, r in page.circles]
    drawing += ["f", f"BT /F1 {_CAPTION_MM} Tf 5 3 Td ({page.caption}) Tj ET"]
    stream = "\n".join(drawing).encode("ascii")
    box = f"[0 0 {page.width * 72.0 / 25.4:.4f} {page.height * 72.0 / 25.4:.4f}]"
    fonts = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R /Resources {fonts} >>".encode("ascii"),
        f"<< /Length {len(stream)} >>\nstream\n".encode("ascii") + stream + b"\nendstream",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode("ascii") + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode("ascii")
    out += "".join(f"{offset:010d} 00000 n \n" for offset in offsets).encode("ascii")
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode("ascii")
    return bytes(out)


def _pdf_circle(x: float, y: float, r: float) -> str:
    k = 0.5522847498 * r
    """Four Bezier arcs, out by 0.03 % of the radius at most."""
    arcs = [
        (x + r, y + k, x + k, y + r, x, y + r),
        (x - k, y + r, x - r, y + k, x - r, y),
        (x - r, y - k, x - k, y - r, x, y - r),
        (x + k, y - r, x + r, y - k, x + r, y),
    ]
    return f"{x + r:.4f} {y:.4f} m " + " ".join(" ".join(f"{v:.4f}" for v in arc) + " c" for arc in arcs)
